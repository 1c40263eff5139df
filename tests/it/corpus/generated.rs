//! Cases whose bytes have to be made by code.
