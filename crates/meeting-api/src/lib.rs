//! meeting-api
