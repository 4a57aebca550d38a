/// In a file that another includes.
#[context_var(default = "included")]
pub(crate) static INCLUDED: &str;
