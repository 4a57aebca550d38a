// `log` of a variable whose own name is one that formats of log lines use themselves.

use contextvars::context_var;

#[expect(non_upper_case_globals)]
#[context_var(log)]
static level: i32;

fn main() {
    let _: i32 = level.get();
}
