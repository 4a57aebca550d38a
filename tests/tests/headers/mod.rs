//! Variables in headers between processes: each in its own, in baggage, and as a deadline.

mod baggage;
mod baggage_header;
mod deadline_header;
mod own_headers;
