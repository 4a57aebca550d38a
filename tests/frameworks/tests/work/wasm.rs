//! Tasks of a page in a browser.
//!
//! `wasm_bindgen_futures::spawn_local` needs a browser to run. So the function that is compiled with it is run with an
//! executor that does the same: it polls tasks on the only thread there is, from its queue.

use async_executor::LocalExecutor;
use contextvars::{ContextExt, with_context};
use smol::future::yield_now;

use super::TENANT;

thread_local! {
    static QUEUE: LocalExecutor<'static> = const { LocalExecutor::new() };
}

fn spawn_local(future: impl Future<Output = ()> + 'static) {
    QUEUE.with(|queue| queue.spawn(future).detach());
}

fn run_all_tasks() {
    while QUEUE.with(LocalExecutor::try_tick) {}
}

macro_rules! page {
    ($module:ident, $spawn_local:path) => {
        mod $module {
            use contextvars::ContextExt;
            use $spawn_local as spawn_local;

            use super::save;

            pub(super) fn on_click(order: u32) {
                spawn_local(save(order).in_inherited_context());
            }
        }
    };
}

page!(browser, wasm_bindgen_futures::spawn_local);
page!(here, super::spawn_local);

thread_local! {
    static SAVED: std::cell::RefCell<Vec<(u32, Option<String>)>> = const { std::cell::RefCell::new(Vec::new()) };
}

async fn save(order: u32) {
    yield_now().await;
    SAVED.with_borrow_mut(|saved| saved.push((order, TENANT.try_get().ok())));
}

#[contextvars::test]
fn what_a_click_spawns_has_the_values_of_the_click() {
    let _: fn(u32) = browser::on_click;
    for (order, tenant) in [(7, "acme"), (8, "globex")] {
        with_context!(TENANT = tenant.to_owned(), { here::on_click(order) });
    }
    run_all_tasks();
    assert_eq!(SAVED.take(), [(7, Some("acme".to_owned())), (8, Some("globex".to_owned()))]);
}

#[contextvars::test]
fn without_it_a_task_has_no_values_and_what_it_sets_stays_for_the_tasks_after_it() {
    with_context!(TENANT = "acme".to_owned(), { spawn_local(save(7)) });
    run_all_tasks();
    spawn_local(async { _ = TENANT.set("globex".to_owned()) });
    spawn_local(save(8));
    run_all_tasks();
    assert_eq!(SAVED.take(), [(7, None), (8, Some("globex".to_owned()))]);
    // In a context, it does not.
    TENANT.set("initech".to_owned());
    spawn_local(async { _ = TENANT.set("globex".to_owned()) }.in_inherited_context());
    spawn_local(save(9));
    run_all_tasks();
    assert_eq!(SAVED.take(), [(9, Some("initech".to_owned()))]);
}
