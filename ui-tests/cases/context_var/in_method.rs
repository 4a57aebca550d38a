// A variable inside a method.

use contextvars::context_var;

struct Server;

impl Server {
    fn read(&self) -> i32 {
        #[context_var(default = 1)]
        static X: i32;
        X.get()
    }
}

fn main() {
    Server.read();
}
