//! The built-in token issuer of the simulator.
