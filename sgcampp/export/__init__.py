"""An output tree as one flat table, for pandas, DuckDB or a spreadsheet; knows no TensorFlow."""
