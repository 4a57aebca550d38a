//! Variables and deadlines in headers between real services.

mod baggage;
mod contexts;
mod deadline;
mod own_headers;
