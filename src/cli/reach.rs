//! Why a server could not be reached, and what to do about it.

use std::error::Error;
use std::io;

use rustls::CertificateError;

use super::failure::Failure;

/// What to do where there is no server.
pub(crate) const START: &str = "start the server with `make run` or `strongroom serve --dev`";

/// The failure behind a transport's error.
pub(crate) fn failure(server: &str, error: &(dyn Error + 'static)) -> Failure {
    diagnose(server, error).unwrap_or_else(|| {
        let mut causes = vec![error.to_string()];
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Wrappers often repeat what they wrap.
            if causes.last().is_none_or(|last| !last.contains(&text)) {
                causes.push(text);
            }
            cause = error.source();
        }
        Failure::problem(format!("{server} cannot be reached: {}", causes.join(": ")))
    })
}

/// The failure behind a transport's error, if one of its causes is known.
pub(crate) fn diagnose(server: &str, error: &(dyn Error + 'static)) -> Option<Failure> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(tls(server, error));
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            // An I/O error's source is the source of what it wraps, and so passes over what it wraps.
            if let Some(failure) = error.get_ref().and_then(|inner| diagnose(server, inner)) {
                return Some(failure);
            }
            match error.kind() {
                io::ErrorKind::ConnectionRefused => {
                    return Some(
                        Failure::problem(format!("nothing listens at {server}"))
                            .hint(format!("{START}, or name another with --endpoint")),
                    );
                }
                io::ErrorKind::TimedOut => {
                    return Some(
                        Failure::problem(format!("{server} did not answer in time"))
                            .hint("--timeout SECONDS waits longer"),
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
        return Failure::problem(format!("{server} does not speak TLS with us: {error}"));
    };
    let hint = match reason {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "name the authority that issued it with --ca-file; the simulator keeps its own in DIR/ca.pem, \
             and makes a new one with a new DIR"
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => "compare the clocks of the two machines",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "use the name in the server's certificate with --endpoint"
        }
        _ => "look at the server's certificate",
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
    fn causes_are_found_however_deep() {
        let tls = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, tls));
        assert!(text(&wrapped).contains("--ca-file"));
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert!(text(&refused).contains("make run"));
    }

    #[test]
    fn an_unknown_cause_is_told_as_it_is() {
        assert!(text(&io::Error::other("strange")).contains("cannot be reached: strange"));
    }
}
