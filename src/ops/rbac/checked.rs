//! What an access check asks about, and what it answers: the action of its request, and those of the list of its request.

/// A value for the action of a request, and one for each of its further actions, in their order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked<T> {
    /// That of the action; `None` if the request has only a list.
    pub one: Option<T>,
    /// Those of the list.
    pub further: Vec<T>,
}

impl<T> Checked<T> {
    /// Converts each value.
    pub fn map<U>(self, mut convert: impl FnMut(T) -> U) -> Checked<U> {
        Checked { one: self.one.map(&mut convert), further: self.further.into_iter().map(convert).collect() }
    }
}
