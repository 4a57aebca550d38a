// A runtime by the name of a type.

#[contextvars::test(flavor = MultiThread)]
async fn runs() {}

fn main() {}
