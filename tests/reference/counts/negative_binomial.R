# Writes negative_binomial.csv: quantiles and the logarithm of the probability of 3, by qnbinom() and dnbinom() of R 4.2.
# Rscript negative_binomial.R > negative_binomial.csv
levels <- c(.01, .05, .1, .25, .5, .75, .9, .95, .99)
cat("mean,spread,", paste0("q", levels, collapse = ","), ",log_probability_of_3\n", sep = "")
for (mean in c(.02, .4, 3, 25, 140, 800, 30000)) for (spread in c(0, 1e-6, .02, .5, 4)) {
  q <- if (spread == 0) qpois(levels, mean) else qnbinom(levels, size = 1 / spread, mu = mean)
  p <- if (spread == 0) dpois(3, mean, log = TRUE) else dnbinom(3, size = 1 / spread, mu = mean, log = TRUE)
  cat(mean, spread, q, sprintf("%.12g", p), sep = ",")
  cat("\n")
}
