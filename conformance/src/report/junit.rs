//! JUnit XML: a test suite a case file, a test case a case.

use std::io::Write;

use bytestone_spec::Isa;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::case::Case;
use crate::corpus::CorpusFile;
use crate::report::failure::failure_text;
use crate::runner::{Event, Reporter};
use crate::verdict::Verdict;

/// Writes a JUnit report when the run is over. It holds no times: equal runs give equal reports.
#[derive(Debug)]
pub struct Junit<W> {
    out: W,
    report: Report,
    suite: Option<TestSuite>,
    /// Who is held to the corpus.
    contender: String,
}

impl<W: Write + Send> Junit<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, report: Report::new("bytestone"), suite: None, contender: String::new() }
    }
}

fn status(isa: Option<&Isa>, file: &CorpusFile, case: &Case, verdict: &Verdict) -> TestCaseStatus {
    let place = format!("{}:{}", file.path.display(), file.line(case));
    let mut status = match verdict {
        Verdict::Pass => return TestCaseStatus::success(),
        Verdict::Fail(_) | Verdict::Unexpected(_) => {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        }
        Verdict::Error(_) | Verdict::NotRun(_) => {
            TestCaseStatus::non_success(NonSuccessKind::Error)
        }
        Verdict::Known(..) | Verdict::Skip(_) => TestCaseStatus::skipped(),
    };
    match verdict {
        Verdict::Fail(failure) => {
            let aspects: Vec<&str> =
                failure.differences.iter().map(|difference| difference.aspect.name()).collect();
            status.set_message(aspects.join(", "));
            status.set_description(format!("{place}\n{}", failure_text(isa, file, case, failure)));
        }
        Verdict::Error(mishap) => {
            status.set_message(mishap.to_string());
            status.set_description(format!("{place}\n{}", mishap.log));
        }
        other => {
            status.set_message(other.reason().unwrap_or_default());
        }
    }
    status
}

impl<W: Write + Send> Reporter for Junit<W> {
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()> {
        match event {
            Event::Started { contender, .. } => self.contender = contender.name.clone(),
            Event::Case { isa, file, case, verdict } => {
                let status = status(*isa, file, case, verdict);
                let mut test = TestCase::new(case.id.clone(), status);
                test.set_classname(format!("{}.{}", self.contender, file.content.machine));
                let suite = || TestSuite::new(file.path.display().to_string());
                self.suite.get_or_insert_with(suite).add_test_case(test);
            }
            Event::File { .. } => {
                self.report.add_test_suites(self.suite.take());
            }
            Event::Finished { .. } => {}
            Event::Closed => {
                self.report.serialize(&mut self.out).map_err(std::io::Error::other)?;
                self.out.flush()?;
            }
        }
        Ok(())
    }
}
