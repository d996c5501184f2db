//! Routes of an Azure surface. A route is one line of a table: verb, path, how its operation is read from a request, and
//! how the reply is shown. The table parses paths, dispatches requests, and lists the routes for tests.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{Method, StatusCode};
use serde::Serialize;

use super::arguments::Arguments;
use super::call::{Call, RequestInput};
use super::response::CallResponse;
use crate::engine::PlaneAccess;
use crate::model::{Error, Result};
use crate::ops::{Operation, Target};

/// Begins the pattern of a route at a scope, which is any part of a path.
const AT_SCOPE: &str = "{scope}/providers/Microsoft.Authorization/";

/// What a surface tells its routes about the endpoint that a request addresses.
pub(in crate::api) trait AzureEndpoint: Sync + 'static {
    /// Whether a request for this operation must have an `api-version`.
    fn requires_version<O: Operation>() -> bool;
}

/// Reads an operation from a request whose caller is authenticated.
pub(in crate::api) type Read<E, O> = fn(&RequestInput<'_, E>) -> Result<O>;

type Handler<E> =
    Box<dyn for<'a> Fn(Call<'a, E>) -> BoxFuture<'a, Result<CallResponse>> + Send + Sync + 'static>;
/// Reads the operations of a route and discards them.
#[cfg(any(test, fuzzing))]
type Probe<E> = Box<dyn Fn(&RequestInput<'_, E>) + Send + Sync>;

/// A route as it is listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouteLine {
    /// The HTTP method.
    pub method: &'static str,
    /// The path. `{name}` is any one segment, `{name?}` one that may be absent, and a leading `{scope}` any segments.
    pub pattern: &'static str,
    /// The names of the operations that it runs; more than one if the request and the state decide.
    pub operations: Vec<&'static str>,
}

/// A segment of a pattern.
#[derive(Clone, Copy, Debug)]
enum Segment {
    Literal(&'static str),
    Argument(&'static str),
    Optional(&'static str),
}

impl Segment {
    fn parse(text: &'static str) -> Self {
        match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            None => Self::Literal(text),
            Some(name) => name.strip_suffix('?').map_or(Self::Argument(name), Self::Optional),
        }
    }
}

/// A route of a surface with endpoints of type `E`.
pub(in crate::api) struct Route<E> {
    line: RouteLine,
    is_at_scope: bool,
    segments: Vec<Segment>,
    applies: fn(&Arguments<'_>) -> bool,
    handler: Handler<E>,
    /// The status of a success, if it is not that of the handler.
    status: Option<StatusCode>,
    convert: fn(Result<CallResponse>) -> Result<CallResponse>,
    #[cfg(any(test, fuzzing))]
    probe: Probe<E>,
}

impl<E: AzureEndpoint> Route<E> {
    /// A route that responds with 200 and the JSON that `show` makes of the reply.
    pub(in crate::api) fn json<O, T>(
        (method, pattern): (&'static str, &'static str),
        read: Read<E, O>,
        show: fn(&E, O::Reply) -> T,
    ) -> Self
    where
        O: Operation<Target: Target<Plane: PlaneAccess>>,
        T: Serialize + 'static,
    {
        let shown = move |endpoint: &E, reply| CallResponse::json(StatusCode::OK, &show(endpoint, reply));
        Self::new::<O>(method, pattern, read, move |call| {
            Box::pin(async move { call.send(E::requires_version::<O>(), read, shown).await? })
        })
    }

    /// A route whose JSON also depends on a part of the request, for example a filter. The part is read before the
    /// operation, and an invalid one is the error of the call.
    pub(in crate::api) fn json_with<O, P, T>(
        (method, pattern): (&'static str, &'static str),
        part: Read<E, P>,
        read: Read<E, O>,
        show: fn(&E, O::Reply, &P) -> T,
    ) -> Self
    where
        O: Operation<Target: Target<Plane: PlaneAccess>>,
        P: Clone + Default + Send + Sync + 'static,
        T: Serialize + 'static,
    {
        Self::new::<O>(method, pattern, read, move |call| {
            let wanted = part(call.input());
            let shown = wanted.clone().unwrap_or_default();
            let read = move |input: &RequestInput<'_, E>| wanted.and_then(|_| read(input));
            let show =
                move |endpoint: &E, reply| CallResponse::json(StatusCode::OK, &show(endpoint, reply, &shown));
            Box::pin(async move { call.send(E::requires_version::<O>(), read, show).await? })
        })
    }

    /// A route whose whole response depends on the reply.
    pub(in crate::api) fn responding<O>(
        (method, pattern): (&'static str, &'static str),
        read: Read<E, O>,
        respond: fn(&E, O::Reply) -> Result<CallResponse>,
    ) -> Self
    where
        O: Operation<Target: Target<Plane: PlaneAccess>>,
    {
        Self::new::<O>(method, pattern, read, move |call| {
            Box::pin(async move { call.send(E::requires_version::<O>(), read, respond).await? })
        })
    }

    /// A route that responds with 202 and the URL that `location` makes of the reply and the `api-version`.
    pub(in crate::api) fn accepted<O>(
        (method, pattern): (&'static str, &'static str),
        read: Read<E, O>,
        location: fn(&E, &O::Reply, &str) -> String,
    ) -> Self
    where
        O: Operation<Target: Target<Plane: PlaneAccess>>,
    {
        Self::new::<O>(method, pattern, read, move |call| Box::pin(accept(call, read, location)))
    }

    /// A route whose response contains the URL of the status of an operation; `respond` also gets the `api-version`.
    pub(in crate::api) fn monitored<O>(
        (method, pattern): (&'static str, &'static str),
        read: Read<E, O>,
        respond: fn(&E, O::Reply, &str) -> Result<CallResponse>,
    ) -> Self
    where
        O: Operation<Target: Target<Plane: PlaneAccess>>,
    {
        Self::new::<O>(method, pattern, read, move |call| {
            let version = call.input().query.api_version().to_owned();
            let show = move |endpoint: &E, reply| respond(endpoint, reply, &version);
            Box::pin(async move { call.send(E::requires_version::<O>(), read, show).await? })
        })
    }

    /// A route that runs two operations, which `handle` sends.
    pub(in crate::api) fn joining<A: Operation, B: Operation>(
        (method, pattern): (&'static str, &'static str),
        reads: (Read<E, A>, Read<E, B>),
        handle: for<'a> fn(Call<'a, E>) -> BoxFuture<'a, Result<CallResponse>>,
    ) -> Self {
        #[cfg(not(any(test, fuzzing)))]
        let _ = reads;
        Self {
            handler: Box::new(handle),
            #[cfg(any(test, fuzzing))]
            probe: Box::new(move |input| drop((reads.0(input), reads.1(input)))),
            ..Self::at(method, pattern, [A::NAME, B::NAME])
        }
    }

    /// A route that runs one of several operations: that of the route in `choices` at the index that `choose` returns.
    pub(in crate::api) fn choosing<const N: usize>(
        (method, pattern): (&'static str, &'static str),
        choose: fn(&Call<'_, E>) -> usize,
        choices: [Self; N],
    ) -> Self {
        let choices = Arc::new(choices);
        let chosen = Arc::clone(&choices);
        Self {
            handler: Box::new(move |call| match chosen.get(choose(&call)) {
                Some(route) => (route.handler)(call),
                None => Box::pin(std::future::ready(Err(Error::internal("a route has no such choice")))),
            }),
            #[cfg(any(test, fuzzing))]
            probe: Box::new({
                let choices = Arc::clone(&choices);
                move |input| choices.iter().for_each(|route| (route.probe)(input))
            }),
            ..Self::at(method, pattern, choices.iter().flat_map(|route| route.line.operations.clone()))
        }
    }

    #[cfg_attr(
        not(any(test, fuzzing)),
        expect(unused_variables, reason = "only tests read without a caller")
    )]
    fn new<O: Operation>(
        method: &'static str,
        pattern: &'static str,
        read: Read<E, O>,
        handler: impl for<'a> Fn(Call<'a, E>) -> BoxFuture<'a, Result<CallResponse>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            handler: Box::new(handler),
            #[cfg(any(test, fuzzing))]
            probe: Box::new(move |input| drop(read(input))),
            ..Self::at(method, pattern, [O::NAME])
        }
    }

    /// A route at a path that refuses every request.
    fn at(
        method: &'static str,
        pattern: &'static str,
        operations: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        let at_scope = pattern.strip_prefix(AT_SCOPE);
        Self {
            line: RouteLine { method, pattern, operations: operations.into_iter().collect() },
            is_at_scope: at_scope.is_some(),
            segments: at_scope.unwrap_or(pattern).split('/').map(Segment::parse).collect(),
            applies: |_| true,
            handler: Box::new(|_| Box::pin(std::future::ready(Err(Error::RouteNotFound)))),
            status: None,
            convert: |result| result,
            #[cfg(any(test, fuzzing))]
            probe: Box::new(|_| {}),
        }
    }

    /// Responds with 201 instead of 200.
    pub(in crate::api) fn created(self) -> Self {
        Self { status: Some(StatusCode::CREATED), ..self }
    }

    /// Restricts the route to some arguments; other paths are those of further routes.
    pub(in crate::api) fn when(self, applies: fn(&Arguments<'_>) -> bool) -> Self {
        Self { applies, ..self }
    }

    /// Converts the response or the error.
    pub(in crate::api) fn converting(
        self,
        convert: fn(Result<CallResponse>) -> Result<CallResponse>,
    ) -> Self {
        Self { convert, ..self }
    }

    /// Returns the pattern of the path.
    #[cfg(test)]
    pub(in crate::api) const fn pattern(&self) -> &'static str {
        self.line.pattern
    }

    /// Whether the route runs the operation of this name.
    pub(in crate::api) fn runs(&self, operation: &str) -> bool {
        self.line.operations.contains(&operation)
    }

    /// Runs the operation of the route.
    ///
    /// # Errors
    /// The error to return to the client.
    pub(in crate::api) async fn run<'a>(
        &self,
        call: Call<'a, E>,
        arguments: Arguments<'a>,
    ) -> Result<CallResponse> {
        let response = (self.convert)((self.handler)(call.with_arguments(arguments)).await)?;
        Ok(CallResponse { status: self.status.unwrap_or(response.status), ..response })
    }

    /// Reads the operations of this route, for the fuzz targets.
    #[cfg(any(test, fuzzing))]
    pub(in crate::api) fn probe(&self, input: &RequestInput<'_, E>) {
        (self.probe)(input);
    }

    /// Names the segments of a path; `None` if the pattern does not match.
    fn arguments<'a>(&self, scope: Option<&'a str>, path: &[&'a str]) -> Option<Arguments<'a>> {
        let is_optional = |segment: &&Segment| matches!(segment, Segment::Optional(_));
        let omitted = self.segments.len().checked_sub(path.len())?;
        if scope.is_some() != self.is_at_scope || omitted > self.segments.iter().filter(is_optional).count() {
            return None;
        }
        let mut arguments = Arguments(scope.map(|scope| ("scope", scope)).into_iter().collect());
        let present = self.segments.iter().filter(|segment| omitted == 0 || !is_optional(segment));
        for (segment, given) in present.zip(path) {
            match segment {
                Segment::Literal(literal) if literal.eq_ignore_ascii_case(given) => {}
                Segment::Literal(_) => return None,
                Segment::Argument(name) | Segment::Optional(name) => arguments.0.push((name, given)),
            }
        }
        (self.applies)(&arguments).then_some(arguments)
    }
}

async fn accept<E, O>(
    call: Call<'_, E>,
    read: Read<E, O>,
    location: fn(&E, &O::Reply, &str) -> String,
) -> Result<CallResponse>
where
    E: AzureEndpoint,
    O: Operation<Target: Target<Plane: PlaneAccess>>,
{
    let version = call.input().query.api_version().to_owned();
    let show = move |endpoint: &E, reply| location(endpoint, &reply, &version);
    Ok(CallResponse::accepted(call.send(E::requires_version::<O>(), read, show).await?))
}

impl<E> fmt::Debug for Route<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Route").field(&self.line).finish()
    }
}

/// The routes of a surface. The first one that matches a request is its route.
#[derive(Debug)]
pub(in crate::api) struct RouteTable<E>(Vec<Route<E>>);

impl<E: AzureEndpoint> RouteTable<E> {
    /// Creates a table from the tables of the nouns.
    pub(in crate::api) fn new<const N: usize>(nouns: [Vec<Route<E>>; N]) -> Self {
        Self(nouns.into_iter().flatten().collect())
    }

    /// Returns the route of a request, and the named segments of its path. `scope` is the part of the path before
    /// `providers/Microsoft.Authorization`, and `path` the segments after it; without a scope, `path` is all segments.
    pub(in crate::api) fn find<'a>(
        &self,
        method: &Method,
        scope: Option<&'a str>,
        path: &[&'a str],
    ) -> Option<(&Route<E>, Arguments<'a>)> {
        let mut routes = self.0.iter().filter(|route| route.line.method == method.as_str());
        routes.find_map(|route| Some((route, route.arguments(scope, path)?)))
    }

    /// Returns the error of a request without a route: whether its path has routes with other methods.
    pub(in crate::api) fn refusal(&self, scope: Option<&str>, path: &[&str]) -> Error {
        let matching = self.0.iter().filter(|route| route.arguments(scope, path).is_some());
        let methods: BTreeSet<_> = matching.map(|route| route.line.method).collect();
        match methods.is_empty() {
            true => Error::RouteNotFound,
            false => Error::MethodNotAllowed { allowed: methods.into_iter().collect::<Vec<_>>().join(", ") },
        }
    }

    /// Lists the routes.
    pub(in crate::api) fn lines(&self) -> impl Iterator<Item = &RouteLine> {
        self.0.iter().map(|route| &route.line)
    }

    /// Reads the operations of all routes from one request, with arguments from the end of its path, for the fuzz
    /// targets.
    #[cfg(any(test, fuzzing))]
    pub(in crate::api) fn probe<'a>(&self, mut input: RequestInput<'a, E>, path: &'a str) {
        for route in &self.0 {
            let names = route.segments.iter().rev().filter_map(|segment| match segment {
                Segment::Literal(_) => None,
                Segment::Argument(name) | Segment::Optional(name) => Some(*name),
            });
            let mut arguments: Vec<_> = names.zip(path.rsplit('/')).collect();
            arguments.push(("scope", path));
            input.arguments = Arguments(arguments);
            route.probe(&input);
        }
    }
}

#[cfg(test)]
mod tests;
