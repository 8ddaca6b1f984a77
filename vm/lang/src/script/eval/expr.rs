//! Expressions of a run.

use std::sync::Arc;

use super::super::ast::{Expr, ExprKind, LogicOp};
use super::super::numbers::Numbers;
use super::value::Value;
use super::{Flow, Frame, Machine, Run, Stop, Trap, ops};
use crate::source::Span;

impl<'p> Machine<'p> {
    #[inline(never)]
    pub(super) fn expr(&mut self, expr: &'p Expr) -> Run<Value> {
        self.enter()?;
        let at = expr.span;
        let value = match &expr.kind {
            ExprKind::Nil => Value::Nil,
            ExprKind::Bool(value) => Value::Bool(*value),
            ExprKind::Number(value) => Value::Number(match self.numbers {
                Numbers::Float => *value,
                // Only with the sign that stands before it may it be one too great.
                Numbers::Int => (*value as i64 as i32).into(),
            }),
            ExprKind::Str(text) => Value::Str(text.clone()),
            ExprKind::Variable(name) => self.variable(name, at)?,
            ExprKind::Unary(op, value) => {
                let value = self.expr(value)?;
                ops::unary(*op, &value, self.numbers).map_err(|trap| Stop::Trap(trap, at))?
            }
            ExprKind::Binary(op, left, right) => {
                let left = self.expr(left)?;
                let right = self.expr(right)?;
                let value = ops::binary(*op, &left, &right, self.numbers);
                let value = value.map_err(|trap| Stop::Trap(trap, at))?;
                self.claim_text(value)?
            }
            ExprKind::Logic(op, left, right) => {
                let left = self.expr(left)?;
                match (op, left.is_true()) {
                    (LogicOp::And, true) | (LogicOp::Or, false) => self.expr(right)?,
                    _ => left,
                }
            }
            ExprKind::Call(callee, arguments) => self.call(callee, arguments, at)?,
            ExprKind::Property(object, name) => match self.expr(object)? {
                Value::Object(object) => self.heap.objects[object as usize].get(name),
                _ => return Err(Stop::Trap(Trap::TypeError, at)),
            },
            ExprKind::Element(object, index) => {
                let object = self.expr(object)?;
                let index = self.expr(index)?;
                self.element(&object, &index, at)?
            }
            ExprKind::Length(value) => {
                let value = self.expr(value)?;
                self.length(&value, at)?
            }
            ExprKind::Array(values) => {
                let values = self.all(values)?;
                self.heap.new_array(values).ok_or(Stop::Limit)?
            }
            ExprKind::Object(entries) => self.object(entries)?,
            ExprKind::Function(function) => self.closure(function)?,
        };
        self.levels += 1;
        Ok(value)
    }

    fn all(&mut self, values: &'p [Expr]) -> Run<Vec<Value>> {
        // A plain loop: iterators would take more of the stack for each level.
        let mut all = Vec::with_capacity(values.len());
        for value in values {
            all.push(self.expr(value)?);
        }
        Ok(all)
    }

    /// A value that was computed; a string is new and takes memory.
    fn claim_text(&mut self, value: Value) -> Run<Value> {
        if let Value::Str(text) = &value {
            self.heap.claim(text.len()).ok_or(Stop::Limit)?;
        }
        Ok(value)
    }

    fn variable(&mut self, name: &'p str, at: Span) -> Run<Value> {
        match self.heap.find(name, self.frame.env) {
            Some(cell) => Ok(self.heap.cell(cell)),
            None => {
                let global = self.globals.get(name).cloned();
                global.ok_or(Stop::Trap(Trap::UndefinedGlobal, at))
            }
        }
    }

    fn object(&mut self, entries: &'p [(Arc<str>, Expr)]) -> Run<Value> {
        let object = self.heap.new_object().ok_or(Stop::Limit)?;
        for (name, value) in entries {
            let value = self.expr(value)?;
            self.heap.claim(1).ok_or(Stop::Limit)?;
            self.heap.objects[object as usize].set(name.clone(), value);
        }
        Ok(Value::Object(object))
    }

    #[inline(never)]
    fn call(&mut self, callee: &'p Expr, arguments: &'p [Expr], at: Span) -> Run<Value> {
        // A call takes as much of the stack as two other expressions.
        self.enter()?;
        let callee = self.expr(callee)?;
        let arguments = self.all(arguments)?;
        let value = self.invoke(callee, arguments, at)?;
        self.levels += 1;
        Ok(value)
    }

    #[inline(never)]
    fn invoke(&mut self, callee: Value, arguments: Vec<Value>, at: Span) -> Run<Value> {
        let Value::Function(function) = callee else {
            return Err(Stop::Trap(Trap::NotCallable, at));
        };
        let closure = self.heap.closures[function as usize];
        let function = closure.function;
        if function.params.len() != arguments.len() {
            return Err(Stop::Trap(Trap::ArityMismatch, at));
        }
        let Some(calls) = self.calls.checked_sub(1) else {
            return Err(Stop::Trap(Trap::CallDepth, at));
        };
        self.calls = calls;
        let caller = std::mem::replace(&mut self.frame, Frame::of_function(closure.env));
        for (param, argument) in function.params.iter().zip(arguments) {
            self.declare(param, argument)?;
        }
        let flow = self.statements(&function.body)?;
        self.frame = caller;
        self.calls += 1;
        Ok(match flow {
            Flow::Return(value) => value,
            Flow::Next | Flow::Break | Flow::Continue => Value::Nil,
        })
    }

    fn length(&self, value: &Value, at: Span) -> Run<Value> {
        let count = match value {
            Value::Array(array) => self.heap.arrays[*array as usize].len(),
            Value::Object(object) => self.heap.objects[*object as usize].entries.len(),
            Value::Str(text) => text.chars().count(),
            _ => return Err(Stop::Trap(Trap::TypeError, at)),
        };
        Ok(Value::Number(count as f64))
    }

    fn element(&self, object: &Value, index: &Value, at: Span) -> Run<Value> {
        let trap = |trap| Err(Stop::Trap(trap, at));
        match (object, index) {
            (Value::Array(array), Value::Number(index)) => {
                let array = &self.heap.arrays[*array as usize];
                match ops::place(*index).and_then(|place| array.get(place)) {
                    Some(value) => Ok(value.clone()),
                    None => trap(Trap::BadIndex),
                }
            }
            (Value::Object(object), Value::Str(name)) => {
                Ok(self.heap.objects[*object as usize].get(name))
            }
            _ => trap(Trap::TypeError),
        }
    }

    pub(super) fn set_element(
        &mut self,
        object: &Value,
        index: &Value,
        value: Value,
        at: Span,
    ) -> Run<()> {
        let trap = |trap| Err(Stop::Trap(trap, at));
        match (object, index) {
            (Value::Array(array), Value::Number(index)) => {
                let array = &mut self.heap.arrays[*array as usize];
                match ops::place(*index) {
                    Some(place) if place < array.len() => array[place] = value,
                    Some(place) if place == array.len() => {
                        array.push(value);
                        return self.heap.claim(1).ok_or(Stop::Limit);
                    }
                    _ => return trap(Trap::BadIndex),
                }
                Ok(())
            }
            (Value::Object(_), Value::Str(name)) => {
                self.set_property(object, name.clone(), value, at)
            }
            _ => trap(Trap::TypeError),
        }
    }

    pub(super) fn set_property(
        &mut self,
        object: &Value,
        name: Arc<str>,
        value: Value,
        at: Span,
    ) -> Run<()> {
        let Value::Object(object) = object else {
            return Err(Stop::Trap(Trap::TypeError, at));
        };
        if self.heap.objects[*object as usize].set(name, value) {
            self.heap.claim(1).ok_or(Stop::Limit)?;
        }
        Ok(())
    }
}
