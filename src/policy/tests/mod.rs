//! Tests of the whole evaluator: worked cases, and properties against a second evaluator.

mod examples;
mod naive;
mod properties;
