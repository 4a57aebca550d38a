//! Panics of carriers, of the work that they are called around, and of both.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use contextvars::carry::{self, Carried};
use contextvars::inherit_context;

use super::{FIRST, NUMBER, PANICS_IN, both, child, set_both, set_up};

#[test]
fn a_panic_in_a_carrier_stops_neither_the_work_nor_the_other_carriers() {
    set_up();
    let context = child(1, 2);
    set_both(3, 4);
    for (function, inside) in
        [("enter first", (3, 2)), ("enter second", (1, 4)), ("leave second", (1, 2)), ("leave first", (1, 2))]
    {
        let mut context = context.clone();
        PANICS_IN.set(function);
        let seen = context.run(both);
        PANICS_IN.set("");
        assert_eq!((seen, NUMBER.get()), (inside, 0), "{function}");
        assert_eq!(both(), (3, 4), "{function}");
        assert_eq!(context[&NUMBER], 7);
        assert_eq!(context.run(both), (1, 2), "it works the next time");
    }
    for (function, carried) in [("capture first", (5, 4)), ("capture second", (3, 6)), ("is first current", (3, 4))] {
        let mut context = context.clone();
        set_both(3, 4);
        let mut captured = context.run(|| {
            set_both(3, 4);
            PANICS_IN.set(function);
            let captured = inherit_context();
            PANICS_IN.set("");
            set_both(1, 2);
            captured
        });
        set_both(5, 6);
        let carried = if function == "is first current" { (5, 4) } else { carried };
        assert_eq!(captured.run(both), carried, "{function}");
        assert_eq!(both(), (5, 6), "{function}");
    }
}

#[test]
fn a_panic_of_the_work_leaves_what_was_entered_even_if_a_carrier_panics_then() {
    set_up();
    set_both(3, 4);
    for function in ["", "leave second", "leave first"] {
        let mut context = child(1, 2);
        let work = || {
            PANICS_IN.set(function);
            resume_unwind(Box::new("the work's"));
        };
        let result = catch_unwind(AssertUnwindSafe(|| context.run(work)));
        PANICS_IN.set("");
        assert_eq!(result.unwrap_err().downcast_ref::<&str>(), Some(&"the work's"));
        assert_eq!(both(), (3, 4), "{function}");
        assert_eq!(context.run(both), (1, 2));
    }
}

#[test]
fn a_panic_whose_payload_panics_on_being_dropped_stops_nothing_either() {
    struct Payload(u32);
    impl Drop for Payload {
        fn drop(&mut self) {
            if self.0 > 0 {
                resume_unwind(Box::new(Payload(self.0 - 1)));
            }
        }
    }
    struct Panicking;
    impl Carried for Panicking {
        type Undo = ();
        fn capture() -> Option<Self> {
            (FIRST.get() == 1077).then_some(Self)
        }
        fn enter(&self) -> Option<()> {
            resume_unwind(Box::new(Payload(1)))
        }
    }

    set_up();
    carry::register::<Panicking>();
    assert_eq!(child(1077, 2).run(both), (1077, 2));
    assert_eq!(both(), (0, 0));
}
