//! `fluid-let`: dynamically scoped variables of a thread, for the length of a call; none of its business is a future.

fluid_let::fluid_let! {
    pub(crate) static NUMBER: i32;
    pub(crate) static A: i32;
    pub(crate) static B: i32;
    pub(crate) static C: i32;
    pub(crate) static D: i32;
}
