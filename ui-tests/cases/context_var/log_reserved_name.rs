// `log` with a name that formats of log lines use themselves.

use contextvars::context_var;

#[context_var(log = "level")]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
