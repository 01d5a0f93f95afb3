//! Cursors: made by us, for one caller, one field, one filter, one day.
