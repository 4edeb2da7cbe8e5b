# Writes ets.txt: what R's forecast::ets makes of each form on some short series.
#   Rscript ets.R ../../../data/azure_functions_2019_8h/trace.csv.gz > ets.txt
# Lines: series NAME PERIOD VALUES; fit NAME FORM loglik aicc alpha beta gamma phi, the initial states, "forecast" and point
# forecasts; best NAME FORM loglik alpha beta gamma phi and states likewise: the greatest likelihood that long searches from several
# starts find with R's own recursion, since ets() often stops before it; choice NAME FORM aicc: what ets() chooses by itself. A
# parameter that a form lacks is 0 (phi: 1).
suppressMessages(library(forecast))
options(digits = 15)

trace <- read.csv(gzfile(commandArgs(trailingOnly = TRUE)[1]))
recorded <- function(queue, n) {
  rows <- trace[trace$queue == queue, ]
  counts <- numeric(n)
  minute <- (rows$timestamp_s - min(trace$timestamp_s)) %/% 60 + 1
  for (i in seq_along(minute)) if (minute[i] <= n) counts[minute[i]] <- counts[minute[i]] + rows$count[i]
  counts
}

# Normal noise from a linear congruential generator, the same in any version of R.
noise <- function(n, seed) {
  uniform <- numeric(2 * n)
  for (i in seq_along(uniform)) {
    seed <- (1103515245 * seed + 12345) %% 2147483648
    uniform[i] <- (seed + 0.5) / 2147483648
  }
  sqrt(-2 * log(uniform[1:n])) * cos(2 * pi * uniform[n + 1:n])
}

monthly <- function(n) {
  t <- seq_len(n)
  round(120 * exp(0.01 * t) * (1 + 0.3 * sin(2 * pi * t / 12) + 0.1 * cos(4 * pi * t / 12)) * exp(0.04 * noise(n, 11)), 2)
}
quarterly <- function(n) {
  t <- seq_len(n)
  round(400 - 2.5 * t + c(30, -10, -45, 25)[(t - 1) %% 4 + 1] + 8 * noise(n, 12), 2)
}
hourly <- function(n) {
  t <- seq_len(n)
  round(80 + 50 * sin(2 * pi * (t - 7) / 24) + 15 * sin(4 * pi * t / 24) + 6 * noise(n, 13) + cumsum(2 * noise(n, 14)), 2)
}
wandering <- function(n) round(200 + cumsum(4 * noise(n, 15)) + 3 * noise(n, 16), 2)
exponential <- function(n) round(5 * 1.04 ^ seq_len(n) * exp(0.05 * noise(n, 17)), 3)

all <- list(
  busy = ts(recorded("azfn19w-287", 120)),
  steady = ts(recorded("azfn19w-070", 150), frequency = 5),
  bursty = ts(recorded("azfn19w-410", 120), frequency = 10),
  sparse = ts(recorded("azfn19w-058", 120)),
  sparse_season = ts(recorded("azfn19w-058", 90), frequency = 6),
  monthly = ts(monthly(120), frequency = 12),
  quarterly = ts(quarterly(60), frequency = 4),
  hourly = ts(hourly(192), frequency = 24),
  wandering = ts(wandering(100)),
  exponential = ts(exponential(80)),
  long = ts(recorded("azfn19w-432", 400))
)
forms <- c("ANN", "AAN", "AAdN", "ANA", "AAA", "AAdA",
           "MNN", "MAN", "MAdN", "MNA", "MAA", "MAdA", "MNM", "MAM", "MAdM",
           "MMN", "MMdN", "MMM", "MMdM")

# Minus twice the log-likelihood by R's recursion. Shares of level, trend, season, damping, then the states that ets() estimates.
deviance_of <- function(par, y, form) {
  shares <- par[seq_len(form$shares)]
  if (any(shares < form$lower) || any(shares > form$upper)) return(1e10)
  e <- try(run(par, y, form), silent = TRUE)
  if (inherits(e, "try-error") || !is.finite(e$lik)) 1e10 else e$lik
}
unpack <- function(par, form) {
  alpha <- par[1]
  beta <- if (form$trend != "N") par[2] * alpha else NULL
  gamma <- if (form$season != "N") par[2 + (form$trend != "N")] * (1 - alpha) else NULL
  phi <- if (form$damped) par[form$shares] else NULL
  states <- par[-seq_len(form$shares)]
  if (form$season != "N") {
    seasons <- states[-seq_len(1 + (form$trend != "N"))]
    states <- c(states, form$m * (form$season == "M") - sum(seasons))
  }
  list(alpha = alpha, beta = beta, gamma = gamma, phi = phi, states = states)
}
run <- function(par, y, form) {
  p <- unpack(par, form)
  forecast:::pegelsresid.C(y, form$m, p$states, form$error, form$trend, form$season, form$damped, p$alpha, p$beta, p$gamma, p$phi, 3)
}
search <- function(par, y, form) {
  best <- list(par = par, value = deviance_of(par, y, form))
  if (best$value >= 1e10) return(best)
  for (round in 1:3) {
    before <- best$value
    for (method in c("Nelder-Mead", "BFGS")) {
      scale <- pmax(abs(best$par), 1e-3)
      scale[seq_len(form$shares)] <- 0.1
      found <- try(optim(best$par, deviance_of, y = y, form = form, method = method,
                         control = list(maxit = if (method == "BFGS") 200 else 3000, reltol = 1e-10, parscale = scale)), silent = TRUE)
      if (!inherits(found, "try-error") && found$value < best$value) best <- found[c("par", "value")]
    }
    if (before - best$value < 1e-3) break
  }
  best
}
likeliest <- function(fit, y) {
  form <- list(error = fit$components[1], trend = fit$components[2], season = fit$components[3],
               damped = fit$components[4] == "TRUE", m = if (fit$components[3] == "N") 1 else frequency(y))
  form$shares <- 1 + (form$trend != "N") + (form$season != "N") + form$damped
  form$lower <- rep(1e-4, form$shares)
  form$upper <- rep(0.9999, form$shares)
  if (form$damped) {
    form$lower[form$shares] <- 0.8
    form$upper[form$shares] <- 0.98
  }
  own <- fit$par
  alpha <- own["alpha"]
  shares <- c(alpha, own["beta"] / alpha, own["gamma"] / (1 - alpha), own["phi"])
  shares <- pmin(pmax(shares[!is.na(shares)], form$lower), form$upper)
  states <- own[!(names(own) %in% c("alpha", "beta", "gamma", "phi"))]
  best <- list(value = Inf)
  for (level in c(alpha, 0.001, 0.2)) {
    for (trend in if (form$trend == "N") NA else c(0.001, 0.5)) {
      start <- shares
      if (level != alpha) {
        start[1] <- level
        if (!is.na(trend)) start[2] <- trend
        if (form$season != "N") start[2 + (form$trend != "N")] <- 0.05
      }
      found <- search(unname(c(start, states)), y, form)
      if (found$value < best$value) best <- found
      if (level == alpha) break
    }
  }
  c(unpack(best$par, form), list(loglik = -best$value / 2, form = form, end = run(best$par, y, form)$states[length(y) + 1, ]))
}

parameter <- function(fit, name, absent) if (is.na(fit$par[name])) absent else unname(fit$par[name])
for (name in names(all)) {
  y <- all[[name]]
  horizon <- max(10, frequency(y))
  cat("series", name, frequency(y), format(as.numeric(y)), "\n")
  for (form in forms) {
    season <- substr(form, nchar(form), nchar(form))
    if (season != "N" && frequency(y) == 1) next
    if (grepl("M", form) && min(y) <= 0) next
    fit <- try(ets(y, model = paste0(substr(form, 1, 2), season), damped = grepl("d", form)), silent = TRUE)
    if (inherits(fit, "try-error")) next
    cat("fit", name, form, fit$loglik, fit$aicc, parameter(fit, "alpha", 0), parameter(fit, "beta", 0), parameter(fit, "gamma", 0),
        parameter(fit, "phi", 1), as.numeric(fit$states[1, ]), "forecast",
        as.numeric(forecast(fit, h = horizon, PI = FALSE)$mean), "\n")
    best <- likeliest(fit, y)
    code <- c(N = 0L, A = 1L, M = 2L)
    means <- .C("etsforecast", as.double(best$end), as.integer(best$form$m), code[[best$form$trend]], code[[best$form$season]],
                as.double(if (is.null(best$phi)) 1 else best$phi), as.integer(horizon), double(horizon), PACKAGE = "forecast")[[7]]
    cat("best", name, form, best$loglik, 0, best$alpha, if (is.null(best$beta)) 0 else best$beta,
        if (is.null(best$gamma)) 0 else best$gamma, if (is.null(best$phi)) 1 else best$phi, best$states, "forecast", means, "\n")
  }
  fit <- ets(y)
  form <- paste0(fit$components[1], fit$components[2], if (fit$components[4] == "TRUE") "d" else "", fit$components[3])
  cat("choice", name, form, fit$aicc, "\n")
}
