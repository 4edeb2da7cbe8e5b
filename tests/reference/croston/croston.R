# Writes croston.csv: forecasts of croston() of R's forecast package (8.20) for series from a linear congruential generator.
# Rscript croston.R > croston.csv
suppressMessages(library(forecast))
state <- 20
draw <- function() {
  state <<- (state * 16807) %% 2147483647
  state / 2147483647
}
cat("alpha,forecast,values\n")
for (sparse in c(0.08, 0.3, 0.7)) for (alpha in c(0.05, 0.1, 0.3)) {
  y <- sapply(1:120, function(t) if (draw() < sparse) 1 + floor(9 * draw()) else 0)
  cat(alpha, sprintf("%.10f", croston(y, h = 1, alpha = alpha)$mean), paste(y, collapse = " "), sep = ",")
  cat("\n")
}
