//! From the text of a script to its tree: statements.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::ast::{Expr, ExprKind, Function, Name, Program, Stmt, StmtKind, Target};
use super::token::Token;
use crate::cursor::{Cursor, Parsed, Stop, Tall};
use crate::error::{SourceErrorKind, SourceErrors, excerpt};
use crate::limits;
use crate::source::{Source, Span};

mod expr;

pub(super) fn parse(source: &Source) -> Result<Program, SourceErrors> {
    let mut parser = Parser {
        cursor: Cursor::new(source),
        names: HashMap::new(),
        scopes: vec![HashSet::new()],
        loops: 0,
        functions: 0,
    };
    let mut body = Vec::new();
    while parser.cursor.peek() != Token::Eof {
        if let Some(stmt) = parser.statement_or_skip() {
            body.push(stmt.node);
        } else {
            // A brace that closes nothing was reported, and must not stop the reading.
            parser.cursor.take(Token::CloseBrace);
        }
    }
    parser.cursor.finish()?;
    Ok(Program { body, functions: parser.functions })
}

struct Parser<'s> {
    cursor: Cursor<'s, Token>,
    /// Each name once.
    names: HashMap<&'s str, Arc<str>>,
    /// The names that each block around has declared.
    scopes: Vec<HashSet<Arc<str>>>,
    /// How many loops of the function are around.
    loops: u32,
    functions: u32,
}

/// How many brackets are open.
#[derive(Default)]
struct Open {
    braces: u32,
    parens: u32,
}

impl Open {
    fn pass(&mut self, token: Token) {
        match token {
            Token::OpenBrace => self.braces += 1,
            Token::CloseBrace => self.braces = self.braces.saturating_sub(1),
            Token::OpenParen => self.parens += 1,
            Token::CloseParen => self.parens = self.parens.saturating_sub(1),
            _ => {}
        }
    }
}

/// Statements and the height of the highest.
type Body = Tall<Vec<Stmt>>;

impl<'s> Parser<'s> {
    /// A statement, or `None` if there was none: the error was reported, and what seems to belong to the
    /// statement is skipped.
    fn statement_or_skip(&mut self) -> Option<Tall<Stmt>> {
        let start = self.cursor.position();
        match self.statement() {
            Ok(stmt) => Some(stmt),
            Err(Stop) => {
                self.skip_statement(start);
                None
            }
        }
    }

    /// Goes to where the next statement seems to start. What has a head, such as a loop, is left at
    /// its body, so that errors in it are found too.
    fn skip_statement(&mut self, start: usize) {
        if self.cursor.peek() == Token::Eof {
            return;
        }
        let mut open = Open::default();
        self.cursor.taken(start).for_each(|token| open.pass(token));
        let first = self.cursor.taken(start).next().unwrap_or(self.cursor.peek());
        loop {
            let token = self.cursor.peek();
            let moved = self.cursor.position() != start;
            match token {
                Token::Eof => return,
                Token::CloseBrace if open.braces == 0 => return,
                Token::OpenBrace if first.has_head() => return,
                // In the head of a loop they end nothing.
                Token::Semicolon | Token::Let if first == Token::For && open.parens > 0 => {}
                Token::Semicolon if open.braces == 0 => {
                    self.cursor.advance();
                    return;
                }
                _ if moved && token.starts_statement() => return,
                _ => {}
            }
            open.pass(token);
            self.cursor.advance();
        }
    }

    fn statement(&mut self) -> Parsed<Tall<Stmt>> {
        self.cursor.enter()?;
        let parsed = self.nested_statement();
        self.cursor.leave();
        parsed
    }

    fn nested_statement(&mut self) -> Parsed<Tall<Stmt>> {
        match self.cursor.peek() {
            Token::OpenBrace => self.block_statement(),
            Token::If => self.if_statement(),
            Token::While => self.while_loop(),
            Token::For => self.for_loop(),
            Token::Function => self.function_declaration(),
            Token::Break | Token::Continue => self.leave_loop(),
            Token::Return => self.return_statement(),
            Token::Semicolon => {
                let start = self.cursor.here();
                self.cursor.advance();
                self.finish(start, 0, StmtKind::Block(Vec::new()))
            }
            Token::CloseBrace => Err(self.cursor.unexpected("a statement")),
            _ => {
                let stmt = self.simple_statement()?;
                self.semicolon()?;
                Ok(stmt)
            }
        }
    }

    /// The end of a statement. Where it is missing at the end of a line the statement counts.
    fn semicolon(&mut self) -> Parsed<()> {
        if self.cursor.take(Token::Semicolon) {
            return Ok(());
        }
        let between = Span { start: self.cursor.last().end, end: self.cursor.here().start };
        let ends_line = self.cursor.text(between).contains('\n');
        let stop = self.cursor.unexpected("`;`");
        if ends_line { Ok(()) } else { Err(stop) }
    }

    /// A declaration of a variable, an assignment, `print`, or an expression, without the semicolon.
    fn simple_statement(&mut self) -> Parsed<Tall<Stmt>> {
        let start = self.cursor.here();
        if self.cursor.take(Token::Let) {
            let name = self.name()?;
            let value =
                if self.cursor.take(Token::Assign) { Some(self.expression()?) } else { None };
            self.declare(&name);
            let below = value.as_ref().map_or(0, |value| value.height);
            let kind = StmtKind::Let { name, value: value.map(|value| value.node) };
            return self.finish(start, below, kind);
        }
        if self.cursor.take(Token::Print) {
            let value = self.expression()?;
            return self.finish(start, value.height, StmtKind::Print(value.node));
        }
        let expr = self.expression()?;
        if !self.cursor.take(Token::Assign) {
            return self.finish(start, expr.height, StmtKind::Expr(expr.node));
        }
        let value = self.expression()?;
        let below = expr.height.max(value.height);
        let target = self.target(expr.node)?;
        self.finish(start, below, StmtKind::Assign { target, value: value.node })
    }

    fn target(&mut self, expr: Expr) -> Parsed<Target> {
        Ok(match expr.kind {
            ExprKind::Variable(text) => Target::Variable(Name { text, span: expr.span }),
            ExprKind::Property(object, name) => Target::Property { object: *object, name },
            ExprKind::Element(object, index) => Target::Element { object: *object, index: *index },
            _ => {
                self.cursor.error(expr.span, SourceErrorKind::NotAssignable);
                return Err(Stop);
            }
        })
    }

    /// A statement above parts of a height.
    fn finish(&mut self, start: Span, below: u32, kind: StmtKind) -> Parsed<Tall<Stmt>> {
        let span = start.to(self.cursor.last());
        self.cursor.above(below, span, Stmt { span, kind })
    }

    /// `{ … }`, in a scope of its own.
    fn block(&mut self) -> Parsed<Body> {
        self.scopes.push(HashSet::new());
        let parsed = self.braced();
        self.scopes.pop();
        parsed
    }

    fn braced(&mut self) -> Parsed<Body> {
        self.cursor.expect(Token::OpenBrace)?;
        let mut body = Tall { node: Vec::new(), height: 0 };
        while !self.cursor.take(Token::CloseBrace) {
            if self.cursor.peek() == Token::Eof {
                return Err(self.cursor.unexpected("`}`"));
            }
            if let Some(stmt) = self.statement_or_skip() {
                body.height = body.height.max(stmt.height);
                body.node.push(stmt.node);
            }
        }
        Ok(body)
    }

    /// A block, or a single statement that stands for one.
    fn body(&mut self) -> Parsed<Body> {
        if self.cursor.peek() == Token::OpenBrace {
            return self.block();
        }
        self.scopes.push(HashSet::new());
        let parsed = self.statement();
        self.scopes.pop();
        Ok(parsed?.map(|stmt| vec![stmt]))
    }

    fn loop_body(&mut self) -> Parsed<Body> {
        self.loops += 1;
        let parsed = self.body();
        self.loops -= 1;
        parsed
    }

    fn block_statement(&mut self) -> Parsed<Tall<Stmt>> {
        let start = self.cursor.here();
        let body = self.block()?;
        self.finish(start, body.height, StmtKind::Block(body.node))
    }

    fn condition(&mut self) -> Parsed<Tall<Expr>> {
        self.cursor.expect(Token::OpenParen)?;
        let cond = self.expression()?;
        self.cursor.expect(Token::CloseParen)?;
        Ok(cond)
    }

    fn if_statement(&mut self) -> Parsed<Tall<Stmt>> {
        let start = self.cursor.here();
        self.cursor.advance();
        let cond = self.condition()?;
        let then = self.body()?;
        let mut below = cond.height.max(then.height);
        let mut otherwise = None;
        if self.cursor.take(Token::Else) {
            let stmt = if self.cursor.peek() == Token::If {
                self.statement()?
            } else {
                let start = self.cursor.here();
                let body = self.body()?;
                self.finish(start, body.height, StmtKind::Block(body.node))?
            };
            below = below.max(stmt.height);
            otherwise = Some(Box::new(stmt.node));
        }
        self.finish(start, below, StmtKind::If { cond: cond.node, then: then.node, otherwise })
    }

    fn while_loop(&mut self) -> Parsed<Tall<Stmt>> {
        let start = self.cursor.here();
        self.cursor.advance();
        let cond = self.condition()?;
        let body = self.loop_body()?;
        let below = cond.height.max(body.height);
        self.finish(start, below, StmtKind::While { cond: cond.node, body: body.node })
    }

    fn for_loop(&mut self) -> Parsed<Tall<Stmt>> {
        let start = self.cursor.here();
        self.cursor.advance();
        self.scopes.push(HashSet::new());
        let parsed = self.for_parts(start);
        self.scopes.pop();
        parsed
    }

    fn for_parts(&mut self, start: Span) -> Parsed<Tall<Stmt>> {
        self.cursor.expect(Token::OpenParen)?;
        let init = self.unless(Token::Semicolon, Self::simple_statement)?;
        self.cursor.expect(Token::Semicolon)?;
        let cond = self.unless(Token::Semicolon, Self::expression)?;
        self.cursor.expect(Token::Semicolon)?;
        let step = self.unless(Token::CloseParen, Self::simple_statement)?;
        if let Some(Stmt { kind: StmtKind::Let { name, .. }, .. }) =
            step.as_ref().map(|step| &step.node)
        {
            self.cursor.error(name.span, SourceErrorKind::LetInStep);
        }
        self.cursor.expect(Token::CloseParen)?;
        let body = self.loop_body()?;
        let heights = [
            init.as_ref().map_or(0, |init| init.height),
            cond.as_ref().map_or(0, |cond| cond.height),
            step.as_ref().map_or(0, |step| step.height),
            body.height,
        ];
        let kind = StmtKind::For {
            init: init.map(|init| Box::new(init.node)),
            cond: cond.map(|cond| cond.node),
            step: step.map(|step| Box::new(step.node)),
            body: body.node,
        };
        self.finish(start, heights.into_iter().max().unwrap_or(0), kind)
    }

    /// What `parser` parses, unless `token` comes next.
    fn unless<T>(
        &mut self,
        token: Token,
        parser: impl FnOnce(&mut Self) -> Parsed<T>,
    ) -> Parsed<Option<T>> {
        if self.cursor.peek() == token { Ok(None) } else { parser(self).map(Some) }
    }

    fn leave_loop(&mut self) -> Parsed<Tall<Stmt>> {
        let start = self.cursor.here();
        let kind = match self.cursor.peek() {
            Token::Break => StmtKind::Break,
            _ => StmtKind::Continue,
        };
        self.cursor.advance();
        if self.loops == 0 {
            self.cursor
                .error_with(start, |text| SourceErrorKind::OutsideLoop { found: text.to_owned() });
        }
        self.semicolon()?;
        self.finish(start, 0, kind)
    }

    fn return_statement(&mut self) -> Parsed<Tall<Stmt>> {
        let start = self.cursor.here();
        self.cursor.advance();
        let value = self.unless(Token::Semicolon, Self::expression)?;
        self.semicolon()?;
        let below = value.as_ref().map_or(0, |value| value.height);
        self.finish(start, below, StmtKind::Return(value.map(|value| value.node)))
    }

    fn function_declaration(&mut self) -> Parsed<Tall<Stmt>> {
        let start = self.cursor.here();
        self.cursor.advance();
        let name = self.name()?;
        self.declare(&name);
        let function = self.function(Some(name.text.clone()))?;
        self.finish(start, function.height, StmtKind::Function(name, Box::new(function.node)))
    }

    /// A function from its parameters on.
    fn function(&mut self, name: Option<Arc<str>>) -> Parsed<Tall<Function>> {
        self.functions += 1;
        let id = self.functions;
        let loops = std::mem::take(&mut self.loops);
        self.scopes.push(HashSet::new());
        let parsed = self.params().and_then(|params| Ok((params, self.braced()?)));
        self.scopes.pop();
        self.loops = loops;
        let (params, body) = parsed?;
        let last = self.cursor.last();
        let end = Span { start: last.end.saturating_sub(1), end: last.end };
        Ok(body.map(|body| Function { id, name, params, body, end }))
    }

    fn params(&mut self) -> Parsed<Vec<Name>> {
        self.cursor.expect(Token::OpenParen)?;
        let mut params = Vec::new();
        while self.cursor.peek() != Token::CloseParen {
            let name = self.name()?;
            self.declare(&name);
            self.count_argument(params.len(), name.span)?;
            params.push(name);
            if !self.cursor.take(Token::Comma) {
                break;
            }
        }
        self.cursor.expect(Token::CloseParen)?;
        Ok(params)
    }

    /// Refuses one argument or parameter more than there may be.
    fn count_argument(&mut self, before: usize, span: Span) -> Parsed<()> {
        if before < limits::ARGUMENTS {
            return Ok(());
        }
        self.cursor.error(span, SourceErrorKind::TooManyArguments);
        Err(Stop)
    }

    /// The name that comes next.
    fn name(&mut self) -> Parsed<Name> {
        let span = self.cursor.expect(Token::Name)?;
        Ok(Name { text: self.interned(span), span })
    }

    /// The name at a place.
    fn interned(&mut self, span: Span) -> Arc<str> {
        let text = self.cursor.text(span);
        self.names.entry(text).or_insert_with(|| text.into()).clone()
    }

    /// Notes a declaration; a second one of a name in a block is reported.
    fn declare(&mut self, name: &Name) {
        if let Some(scope) = self.scopes.last_mut()
            && !scope.insert(name.text.clone())
        {
            self.cursor
                .error_with(name.span, |text| SourceErrorKind::Duplicate { name: excerpt(text) });
        }
    }
}
