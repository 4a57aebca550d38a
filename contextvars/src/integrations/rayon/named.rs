//! rayon's modules of iterators over the standard library's types, under their own names, with iterators that inherit.

/// Defines a module with the names of its iterators.
macro_rules! named {
    ($($(#[$more:meta])* $module:ident of $($path:ident)::+ { $($Name:ident<$($parameter:tt),+>),+ })+) => { $(
        #[doc = concat!(
            "[`rayon::", named!(@path $($path)::+), "`](::rayon::", named!(@path $($path)::+),
            "), whose iterators inherit the context."
        )]
        $(#[$more])*
        pub mod $module {
            use crate::integrations::rayon::iter::Inheriting;

            named!(@types $($path)::+; $($Name<$($parameter),+>),+);
        }
    )+ };
    (@types $($path:ident)::+; $($Name:ident<$($parameter:tt),+>),+) => {
        use ::$($path)::+ as original;

        $(
            #[doc = concat!("rayon's `", stringify!($Name), "`, inheriting.")]
            pub type $Name<$($parameter),+> = Inheriting<original::$Name<$($parameter),+>>;
        )+
    };
    (@path rayon::$module:ident) => { stringify!($module) };
    (@path rayon::collections::$module:ident) => { concat!("collections::", stringify!($module)) };
}

named! {
    option of rayon::option { IntoIter<T>, Iter<'a, T>, IterMut<'a, T> }
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::rayon;
    /// use contextvars::rayon::prelude::*;
    ///
    /// fn numbers() -> rayon::range::Iter<u32> {
    ///     (0..4).into_par_iter()
    /// }
    ///
    /// assert_eq!(numbers().sum::<u32>(), 6);
    /// ```
    range of rayon::range { Iter<T> }
    range_inclusive of rayon::range_inclusive { Iter<T> }
    result of rayon::result { IntoIter<T>, Iter<'a, T>, IterMut<'a, T> }
    string of rayon::string { Drain<'a> }
    vec of rayon::vec { IntoIter<T>, Drain<'data, T> }
}

/// [`rayon::array`](::rayon::array), whose iterators inherit the context.
pub mod array {
    use crate::integrations::rayon::iter::Inheriting;

    /// rayon's `IntoIter`, inheriting.
    pub type IntoIter<T, const N: usize> = Inheriting<::rayon::array::IntoIter<T, N>>;
}

/// [`rayon::collections`](::rayon::collections), whose iterators inherit the context.
pub mod collections {
    named! {
        binary_heap of rayon::collections::binary_heap { IntoIter<T>, Iter<'a, T>, Drain<'a, T> }
        btree_map of rayon::collections::btree_map { IntoIter<K, V>, Iter<'a, K, V>, IterMut<'a, K, V> }
        btree_set of rayon::collections::btree_set { IntoIter<T>, Iter<'a, T> }
        hash_map of rayon::collections::hash_map {
            IntoIter<K, V>, Iter<'a, K, V>, IterMut<'a, K, V>, Drain<'a, K, V>
        }
        hash_set of rayon::collections::hash_set { IntoIter<T>, Iter<'a, T>, Drain<'a, T> }
        linked_list of rayon::collections::linked_list { IntoIter<T>, Iter<'a, T>, IterMut<'a, T> }
        vec_deque of rayon::collections::vec_deque { IntoIter<T>, Iter<'a, T>, IterMut<'a, T>, Drain<'a, T> }
    }
}
