// `.await` in a block, deep inside and more than once.

use contextvars::{context_var, with_context};

#[context_var(default = 0)]
static A: i32;
#[context_var(default = 0)]
static B: i32;

async fn fetch() -> i32 {
    A.get()
}

fn main() {
    let _: i32 = A.get() + B.get();
    let _future = async {
        with_context!(A = 1, {
            let spawned = async { fetch().await };
            if A.get() == 1 { println!("{}", spawned.await) }
            fetch().await
        })
    };
}
