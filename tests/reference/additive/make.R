# Makes the CSV files beside it with Prophet 1.0 (Debian r-cran-prophet 1.0+dfsg-4, R 4.2.2): its MAP fit and forecast of
# each case. Usage: Rscript make.R
# Columns: t = hour from 0, y = what was fitted (empty: to be forecast), yhat = Prophet's answer; further columns are
# regressors.
library(prophet)
set.seed(20180)
n <- 600
h <- 48
t <- 0:(n + h - 1)
hour <- 2 * pi * t / 24
week <- 2 * pi * t / 168
shape <- 0.30 * sin(hour) + 0.12 * cos(2 * hour) - 0.08 * sin(3 * hour) + 0.10 * cos(week)
bent <- 40 + 0.05 * t + 0.10 * pmax(0, t - 180) - 0.22 * pmax(0, t - 390)
curve <- 90 / (1 + exp(-(t - 260) / 80))
holiday <- as.numeric((t %/% 24) %in% c(3, 9, 17, 22, 26))
warmth <- 15 + 8 * sin(2 * pi * t / 400) + as.numeric(arima.sim(list(ar = 0.95), n + h))
noise <- function(sd) rnorm(n + h, sd = sd)

case <- function(name, y, growth = "linear", mode = "additive", cap = NULL, regressors = list()) {
  df <- data.frame(ds = as.POSIXct("2024-01-01", tz = "GMT") + 3600 * t, y = round(y, 3))
  if (!is.null(cap)) df$cap <- cap
  for (r in names(regressors)) df[[r]] <- round(regressors[[r]], 3)
  m <- prophet(growth = growth, seasonality.mode = mode, yearly.seasonality = FALSE, weekly.seasonality = FALSE,
               daily.seasonality = FALSE, uncertainty.samples = 0)
  m <- add_seasonality(m, "day", 1, 4)
  m <- add_seasonality(m, "week", 7, 3)
  for (r in names(regressors)) m <- add_regressor(m, r)
  m <- fit.prophet(m, df[1:n, ])
  out <- data.frame(t = t, y = ifelse(t < n, df$y, NA), yhat = round(predict(m, df)$yhat, 3))
  for (r in names(regressors)) out[[r]] <- df[[r]]
  write.csv(out, paste0(name, ".csv"), row.names = FALSE, na = "", quote = FALSE)
}

case("linear_additive", bent + 40 * shape + noise(3))
case("linear_multiplicative", bent * (1 + shape) + noise(3), mode = "multiplicative")
case("logistic_additive", curve + 30 * shape + 15 + noise(2.5), growth = "logistic", cap = 110)
case("logistic_multiplicative", curve * (1 + shape) + 5 + noise(2.5), growth = "logistic", mode = "multiplicative", cap = 100)
case("flat_additive", 60 + 40 * shape + noise(3), growth = "flat")
case("regressors_additive", bent + 40 * shape - 18 * holiday + 0.9 * warmth + noise(3),
     regressors = list(holiday = holiday, warmth = warmth))
case("regressors_multiplicative", bent * (1 + shape - 0.35 * holiday + 0.012 * warmth) + noise(3),
     mode = "multiplicative", regressors = list(holiday = holiday, warmth = warmth))
