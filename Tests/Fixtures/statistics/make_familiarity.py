"""Writes familiarity.json: shrunk correlations and the probability of new cases, with NumPy and SciPy.

Oracle approximating shrinkage as in Chen et al. 2010, equation 23, of the correlation matrix; Hotelling's T² of a new
observation by SciPy's F distribution. And site_deviations.json: one-way random effects from SciPy's analysis of variance,
whose F is the ratio of the mean squares. And restoration_errors.json: how often a new value of a normal sample is as large or
larger, by SciPy's Student distribution. Run with numpy and scipy:
    python3 make_familiarity.py
"""
import json
import pathlib

import numpy
from scipy import stats

random = numpy.random.default_rng(11)
cases = []
for n, d in [(40, 3), (160, 16), (25, 2), (500, 8)]:
    mixing = random.normal(size=(d, d))
    data = random.normal(size=(n, d)) @ mixing * random.uniform(0.1, 30, d) + random.normal(size=d) * 10
    mean = data.mean(0)
    covariance = (data - mean).T @ (data - mean) / (n - 1)
    deviation = numpy.sqrt(numpy.diag(covariance))
    correlation = covariance / numpy.outer(deviation, deviation)
    squares, trace = (correlation**2).sum(), numpy.trace(correlation)
    shrinkage = min(1, ((1 - 2 / d) * squares + trace**2) / ((n + 1 - 2 / d) * (squares - trace**2 / d)))
    shrunk = (1 - shrinkage) * correlation + shrinkage * trace / d * numpy.eye(d)
    news = []
    for scale in [0.3, 1, 2, 4]:
        x = mean + scale * deviation * random.normal(size=d)
        known = sorted(random.choice(d, size=max(1, d - 1), replace=False).tolist())
        chances = []
        for chosen in [list(range(d)), known]:
            z = ((x - mean) / deviation)[chosen]
            t = z @ numpy.linalg.inv(shrunk[numpy.ix_(chosen, chosen)]) @ z
            k = len(chosen)
            chances.append(float(stats.f.sf(n * (n - k) / ((n + 1) * (n - 1) * k) * t, k, n - k)))
        news.append({"x": x.tolist(), "known": known, "all": chances[0], "part": chances[1]})
    cases.append({"data": data.tolist(), "shrinkage": float(shrinkage), "correlation": shrunk.flatten().tolist(),
                  "new": news})
path = pathlib.Path(__file__).parent / "familiarity.json"
path.write_text(json.dumps(cases) + "\n")

random = numpy.random.default_rng(12)
cases = []
for sizes, between in [([30, 12, 55], 2.0), ([40, 40], 0.0), ([9, 14, 11, 20, 7, 31], 5.0)]:
    sites = [random.normal(size=(n, 2)) + between * random.normal(size=2) for n in sizes]
    deviations = []
    for i in range(2):
        groups = [site[:, i] for site in sites]
        n, s = sum(sizes), len(sizes)
        within = sum(((g - g.mean()) ** 2).sum() for g in groups) / (n - s)
        ratio = stats.f_oneway(*groups).statistic
        size = (n - sum(k * k for k in sizes) / n) / (s - 1)
        of_sites = max(within * (ratio - 1) / size, 0)
        widening = (stats.t.ppf(0.975, s - 1) / stats.norm.ppf(0.975)) ** 2
        deviations.append(float(numpy.sqrt(within + of_sites * (1 + 1 / s) * widening)))
    cases.append({"sites": [site.tolist() for site in sites], "deviations": deviations})
(path.parent / "site_deviations.json").write_text(json.dumps(cases) + "\n")

random = numpy.random.default_rng(13)
cases = []
for n in [10, 37, 400]:
    errors = random.normal(-3, 0.2, n)
    mean, deviation = errors.mean(), errors.std(ddof=1)
    new = [float(mean + k * deviation) for k in [-4, -0.5, 0.5, 2, 3.5, 6]]
    chances = [float(stats.t.sf((x - mean) / (deviation * numpy.sqrt(1 + 1 / n)), n - 1)) for x in new]
    cases.append({"errors": errors.tolist(), "new": new, "chances": chances})
(path.parent / "restoration_errors.json").write_text(json.dumps(cases) + "\n")
