//! JUnit XML: a test suite a case file, a test case a case.

use std::io::Write;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::runner::{Event, Reporter};
use crate::verdict::Verdict;

/// Writes a JUnit report when the run is over. It holds no times: equal runs give equal reports.
#[derive(Debug)]
pub struct Junit<W> {
    out: W,
    report: Report,
    suite: Option<TestSuite>,
}

impl<W: Write + Send> Junit<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, report: Report::new("bytestone"), suite: None }
    }
}

impl<W: Write + Send> Reporter for Junit<W> {
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()> {
        match event {
            Event::Started { .. } => {}
            Event::Case { file, case, verdict } => {
                let status = match verdict {
                    Verdict::Pass => TestCaseStatus::success(),
                    Verdict::Fail(differences) => {
                        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                        let text: Vec<String> =
                            differences.iter().map(ToString::to_string).collect();
                        let aspects: Vec<&str> =
                            differences.iter().map(|difference| difference.aspect.name()).collect();
                        status.set_message(aspects.join(", "));
                        status.set_description(format!(
                            "{}:{}\n{}",
                            file.path.display(),
                            file.line(case),
                            text.join("\n")
                        ));
                        status
                    }
                    Verdict::Skip(reason) => {
                        let mut status = TestCaseStatus::skipped();
                        status.set_message(reason.clone());
                        status
                    }
                };
                let mut test = TestCase::new(case.id.clone(), status);
                test.set_classname(file.content.machine.clone());
                let suite = || TestSuite::new(file.path.display().to_string());
                self.suite.get_or_insert_with(suite).add_test_case(test);
            }
            Event::File { .. } => {
                self.report.add_test_suites(self.suite.take());
            }
            Event::Finished { .. } => {
                self.report.serialize(&mut self.out).map_err(std::io::Error::other)?;
                self.out.flush()?;
            }
        }
        Ok(())
    }
}
