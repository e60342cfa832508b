//! Tests of the whole evaluator: worked cases, and properties against a second evaluator.

mod commands;
mod examples;
mod naive;
mod properties;
