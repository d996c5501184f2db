//! Clones operations whose fields are types that their parameter determines.

/// Implements `Clone` for an operation by its fields. `derive` would require `Clone` of the types that the parameter names, such as its
/// target, instead of the types of the fields.
macro_rules! clone_by_fields {
    ($operation:ident<$parameter:ident: $bound:ident> { $($field:ident),+ }) => {
        impl<$parameter: $bound> Clone for $operation<$parameter> {
            fn clone(&self) -> Self {
                Self { $($field: self.$field.clone()),+ }
            }
        }
    };
}

pub(in crate::ops) use clone_by_fields;
