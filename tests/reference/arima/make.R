# Makes series.csv and expected.csv: exact maximum likelihood fits, forecasts and automatic orders by R.
#   Rscript make.R        (R 4.2, forecast 8.20; deterministic)
suppressMessages(library(forecast))

set.seed(11)
n <- 160
ar2 <- 20 + as.numeric(arima.sim(list(ar = c(0.6, 0.25)), n))
arma <- 50 + 4 * as.numeric(arima.sim(list(ar = 0.8, ma = -0.4), n))
ima <- 100 + cumsum(as.numeric(arima.sim(list(ma = -0.55), n)))
counts <- rpois(n, 12 + 6 * sin(2 * pi * (1:n) / 12))
season <- 200 + 30 * cos(2 * pi * (1:n) / 12) + cumsum(rnorm(n, 0, 2)) + rnorm(n, 0, 4)
day <- rpois(144, 40 + 25 * sin(2 * pi * (1:144) / 24)) + round(5 * as.numeric(arima.sim(list(ar = 0.7), 144)))
gaps <- ar2; gaps[c(20:23, 61, 90:97, 140)] <- NA
gaps_season <- season; gaps_season[c(30:34, 77, 120:126)] <- NA
classic <- list(airline = log10(as.numeric(AirPassengers)), lake = as.numeric(LakeHuron), nile = as.numeric(Nile),
                uk_deaths = as.numeric(UKDriverDeaths))
own <- list(ar2 = ar2, arma = arma, ima = ima, counts = counts, season = season, day = day, gaps = gaps, gaps_season = gaps_season)
all <- lapply(c(own, classic), function(y) round(y, 6))

# series, period, order, seasonal order, constant
cases <- list(
  list("ar2", 1, c(2, 0, 0), c(0, 0, 0), TRUE), list("ar2", 1, c(1, 0, 1), c(0, 0, 0), TRUE),
  list("ar2", 1, c(0, 1, 1), c(0, 0, 0), FALSE), list("arma", 1, c(1, 0, 1), c(0, 0, 0), TRUE),
  list("arma", 1, c(3, 0, 2), c(0, 0, 0), TRUE), list("ima", 1, c(0, 1, 1), c(0, 0, 0), FALSE),
  list("ima", 1, c(1, 1, 2), c(0, 0, 0), FALSE), list("ima", 1, c(0, 2, 2), c(0, 0, 0), FALSE),
  list("ima", 1, c(0, 1, 1), c(0, 0, 0), TRUE), list("counts", 12, c(1, 0, 0), c(1, 0, 0), TRUE),
  list("counts", 12, c(0, 0, 1), c(0, 1, 1), FALSE), list("season", 12, c(0, 1, 1), c(0, 1, 1), FALSE),
  list("season", 12, c(1, 1, 1), c(1, 0, 1), FALSE), list("season", 12, c(2, 0, 0), c(0, 1, 1), TRUE),
  list("day", 24, c(1, 0, 0), c(0, 1, 1), FALSE), list("day", 24, c(1, 0, 1), c(1, 0, 1), TRUE),
  list("gaps", 1, c(2, 0, 0), c(0, 0, 0), TRUE), list("gaps", 1, c(0, 1, 1), c(0, 0, 0), FALSE),
  list("gaps_season", 12, c(0, 1, 1), c(0, 1, 1), FALSE), list("gaps_season", 12, c(1, 0, 0), c(1, 0, 0), TRUE),
  list("airline", 12, c(0, 1, 1), c(0, 1, 1), FALSE), list("airline", 12, c(2, 1, 1), c(0, 1, 0), FALSE),
  list("lake", 1, c(1, 0, 1), c(0, 0, 0), TRUE), list("nile", 1, c(0, 1, 1), c(0, 0, 0), FALSE),
  list("uk_deaths", 12, c(1, 0, 1), c(2, 0, 0), TRUE), list("uk_deaths", 12, c(0, 1, 2), c(0, 1, 1), FALSE))

write_rows <- function(path, header, rows) writeLines(c(header, rows), path)
write_rows("series.csv", "series,t,y", unlist(lapply(names(all), function(name)
  sprintf("%s,%d,%s", name, seq_along(all[[name]]), ifelse(is.na(all[[name]]), "", format(all[[name]], digits = 12, trim = TRUE))))))

leads <- c(1, 2, 5, 12, 24)
fits <- vapply(cases, function(case) {
  y <- ts(all[[case[[1]]]], frequency = case[[2]])
  drift <- case[[5]] && case[[3]][2] + case[[4]][2] > 0
  x <- if (drift) cbind(drift = seq_along(y)) else NULL
  fit <- arima(y, order = case[[3]], seasonal = list(order = case[[4]], period = case[[2]]), xreg = x,
               include.mean = case[[5]] && !drift, method = "ML", optim.control = list(maxit = 1000, reltol = 1e-12))
  ahead <- predict(fit, n.ahead = max(leads), newxreg = if (drift) length(y) + seq_len(max(leads)) else NULL)$pred
  sprintf("%s,%d,%s,%s,%d,%.6f,%s", case[[1]], case[[2]], paste(case[[3]], collapse = ","), paste(case[[4]], collapse = ","),
          as.integer(case[[5]]), fit$loglik, paste(sprintf("%.6f", ahead[leads]), collapse = ","))
}, "")
write_rows("expected.csv", paste0("series,period,p,d,q,P,D,Q,constant,log_likelihood,", paste0("ahead_", leads, collapse = ",")), fits)

auto <- vapply(list(c("ar2", 1), c("arma", 1), c("ima", 1), c("counts", 12), c("season", 12), c("day", 24), c("airline", 12),
                    c("lake", 1), c("nile", 1), c("uk_deaths", 12)), function(case) {
  y <- ts(all[[case[1]]], frequency = as.numeric(case[2]))
  fit <- auto.arima(y, max.d = 1, approximation = FALSE)
  o <- arimaorder(fit)
  sprintf("%s,%s,%d,%d,%.6f", case[1], case[2], o[["d"]], if (length(o) > 3) o[["D"]] else 0L, fit$aicc)
}, "")
write_rows("automatic.csv", "series,period,d,D,aicc", auto)

# Regressions with ARIMA errors: a wave of 24 steps and a switch, given ahead too. Made apart, so that the rest need not be.
regressed <- function() {
  set.seed(5)
  n <- 240; t <- seq_len(n + 24)
  x <- cbind(sine = sin(2 * pi * (t - 1) / 24), cosine = cos(2 * pi * (t - 1) / 24), switch = as.numeric(runif(n + 24) < 0.2))
  noise <- as.numeric(arima.sim(list(ar = 0.7, ma = 0.3), n)) * 3
  y <- round(80 + x[1:n, ] %*% c(20, -8, 15) + noise, 6)[, 1]
  write_rows("regressed_series.csv", "y,switch", sprintf("%s,%d", c(format(y, digits = 12, trim = TRUE), rep("", 24)), x[, 3]))
  rows <- vapply(list(c(1, 0, 0), c(1, 0, 1), c(2, 0, 1), c(0, 1, 1), c(1, 1, 1)), function(order) {
    fit <- arima(y, order = order, xreg = x[1:n, ], method = "ML", optim.control = list(maxit = 1000, reltol = 1e-12))
    ahead <- predict(fit, n.ahead = 24, newxreg = x[n + 1:24, ])$pred
    sprintf("%s,%.6f,%s", paste(order, collapse = ","), fit$loglik, paste(sprintf("%.6f", ahead[leads]), collapse = ","))
  }, "")
  write_rows("regressed.csv", paste0("p,d,q,log_likelihood,", paste0("ahead_", leads, collapse = ",")), rows)
}
regressed()
