//! Converts connection errors to failures with a cause and a hint.

use std::error::Error;
use std::io;

use rustls::CertificateError;

use super::failure::Failure;

/// The hint for a server that is not running.
pub(crate) const START_HINT: &str = "start the server with `make run` or `strongroom serve --dev`";

/// Converts a transport error to a failure: the one that [`diagnose`] finds, else one with the chain of causes.
pub(crate) fn failure(server: &str, error: &(dyn Error + 'static)) -> Failure {
    diagnose(server, error).unwrap_or_else(|| {
        let mut causes = vec![error.to_string()];
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Wrapping errors often repeat the message of their source.
            if causes.last().is_none_or(|last| !last.contains(&text)) {
                causes.push(text);
            }
            cause = error.source();
        }
        Failure::problem(format!("{server} cannot be reached: {}", causes.join(": ")))
    })
}

/// Converts a transport error to a failure if one of its causes is a known one.
pub(crate) fn diagnose(server: &str, error: &(dyn Error + 'static)) -> Option<Failure> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(tls(server, error));
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            // `io::Error::source` skips the wrapped error itself, so check that error explicitly.
            if let Some(failure) = error.get_ref().and_then(|inner| diagnose(server, inner)) {
                return Some(failure);
            }
            match error.kind() {
                io::ErrorKind::ConnectionRefused => {
                    return Some(
                        Failure::problem(format!("nothing listens at {server}"))
                            .hint(format!("{START_HINT}, or set another server with --endpoint")),
                    );
                }
                io::ErrorKind::TimedOut => {
                    return Some(
                        Failure::problem(format!("{server} did not answer in time"))
                            .hint("set a longer timeout with --timeout SECONDS"),
                    );
                }
                _ => {}
            }
        }
        cause = error.source();
    }
    None
}

fn tls(server: &str, error: &rustls::Error) -> Failure {
    let rustls::Error::InvalidCertificate(reason) = error else {
        return Failure::problem(format!("the TLS handshake with {server} failed: {error}"));
    };
    let hint = match reason {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "set the CA certificate that issued it with --ca-file; a simulator writes its own to ca.pem in its data \
             directory, and each data directory has another"
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => "check the clocks of both machines",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "set --endpoint to a host name in the server's certificate"
        }
        _ => "check the server's certificate",
    };
    Failure::problem(format!("the certificate of {server} is not trusted: {reason}")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(error: &(dyn Error + 'static)) -> String {
        format!("{:?}", failure("https://127.0.0.1:1", error))
    }

    #[test]
    fn finds_nested_causes() {
        let tls = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, tls));
        assert!(text(&wrapped).contains("--ca-file"));
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert!(text(&refused).contains("make run"));
    }

    #[test]
    fn reports_unknown_causes_verbatim() {
        assert!(text(&io::Error::other("unexpected")).contains("cannot be reached: unexpected"));
    }
}
