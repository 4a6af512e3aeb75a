"""Makes inference.json: golden values of calibration, adjusted tests, random effects, clustered and stratified areas.

python3 -m venv venv && venv/bin/pip install numpy scipy scikit-learn statsmodels
venv/bin/python make_inference.py > inference.json
"""
import itertools
import json
import sys

import numpy as np
import scipy
import scipy.optimize
import scipy.stats
import sklearn
import statsmodels
import statsmodels.api as sm
from sklearn.metrics import roc_auc_score
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests

rng = np.random.RandomState(11)


def scored(n, share, pull, ties=None):
    labels = (rng.uniform(size=n) < share).astype(int)
    labels[:4] = [0, 1, 0, 1]
    scores = rng.normal(size=n) + pull * labels
    if ties:
        scores = np.round(scores * ties) / ties
    return labels, scores


def placements(labels, scores):
    x, y = scores[labels == 1], scores[labels == 0]
    wins = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    return wins.mean(axis=1), wins.mean(axis=0)


def calibration():
    out = []
    for n, pull, shift in [(80, 1.0, 0.0), (200, 0.6, 0.8), (50, 1.5, -1.0)]:
        labels, scores = scored(n, 0.4, pull, None)
        p = 1 / (1 + np.exp(-(1.7 * scores + shift)))
        logit = np.log(p / (1 - p))
        line = sm.GLM(labels, sm.add_constant(logit), family=sm.families.Binomial()).fit(tol=1e-14, maxiter=200)
        large = sm.GLM(labels, np.ones(n), family=sm.families.Binomial(), offset=logit).fit(tol=1e-14, maxiter=200)
        out.append({
            "labels": labels.tolist(), "probabilities": p.tolist(), "intercept": line.params[0],
            "slope": line.params[1], "in_the_large": large.params[0],
        })
    return out


def temperature():
    out = []
    for classes in (2, 4):
        labels = rng.randint(classes, size=120)
        logits = 4 * rng.normal(size=(120, classes))
        logits[np.arange(120), labels] += 3

        def loss(logarithm):
            z = logits / np.exp(logarithm)
            return np.mean(scipy.special.logsumexp(z, axis=1) - z[np.arange(120), labels])

        best = scipy.optimize.minimize_scalar(loss, bounds=(-4, 4), method="bounded", options={"xatol": 1e-12})
        out.append({"labels": labels.tolist(), "logits": logits.tolist(), "temperature": float(np.exp(best.x))})
    return out


def holm():
    out = []
    for p in ([0.01], [0.04, 0.01, 0.03], [0.2, 0.2, 0.001, 0.9, 0.02], [1.0, 0.0, 0.5]):
        out.append({"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()})
    return out


def effects():
    out = []
    for effect, variance in [
        ([0.02, 0.05, -0.01], [0.0004, 0.0009, 0.0001]), ([0.1, 0.3, -0.2, 0.05, 0.4], [0.01, 0.02, 0.005, 0.01, 0.03]),
        ([0.01, 0.0101], [0.01, 0.02]), ([0.03, 0.031, 0.029, 0.03], [0.002, 0.003, 0.001, 0.004]),
    ]:
        effect, variance = np.array(effect), np.array(variance)
        fit = combine_effects(effect, variance, method_re="chi2", use_t=True)
        k = len(effect)
        # statsmodels lets the moment estimate fall below zero, where it says nothing; it is cut there.
        tau2 = max(0.0, float(fit.tau2))
        w = 1 / (variance + tau2)
        mean = float((w * effect).sum() / w.sum())
        error = float(np.sqrt((w * (effect - mean) ** 2).sum() / ((k - 1) * w.sum())))
        if fit.tau2 >= 0:
            assert abs(mean - fit.mean_effect_re) < 1e-12 and abs(error - fit.sd_eff_w_re_hksj) < 1e-12
        half = scipy.stats.t.ppf(0.975, k - 1) * error
        case = {
            "effect": effect.tolist(), "variance": variance.tolist(), "mean": mean, "tau2": tau2,
            "interval": [mean - half, mean + half], "p": float(2 * scipy.stats.t.sf(abs(mean / error), k - 1)),
            "i2": float(max(0, fit.i2)), "weights": (w / w.sum()).tolist(),
        }
        if k > 2:
            reach = scipy.stats.t.ppf(0.975, k - 2) * np.sqrt(tau2 + error**2)
            case["prediction"] = [float(mean - reach), float(mean + reach)]
        out.append(case)
    return out


def clustered():
    out = []
    for n, patients, ties in [(60, 25, None), (90, 40, 3), (40, 40, None)]:
        labels, first = scored(n, 0.5, 1.0, ties)
        second = first * 0.5 + rng.normal(size=n) + 0.5 * labels
        owner = np.arange(n) if patients == n else rng.randint(patients, size=n)

        def parts(scores):
            x, y = placements(labels, scores)
            area = x.mean()
            deviation = np.zeros((patients, 2))
            np.add.at(deviation[:, 0], owner[labels == 1], x - area)
            np.add.at(deviation[:, 1], owner[labels == 0], y - area)
            return area, deviation

        m, k = int(labels.sum()), int(n - labels.sum())
        there = len(set(owner))
        ip, i_n = len(set(owner[labels == 1])), len(set(owner[labels == 0]))

        def covariance(a, b):
            return (
                ip / (ip - 1) * (a[:, 0] * b[:, 0]).sum() / m**2 + i_n / (i_n - 1) * (a[:, 1] * b[:, 1]).sum() / k**2
                + there / (there - 1) * (a[:, 0] * b[:, 1] + a[:, 1] * b[:, 0]).sum() / (m * k)
            )

        (area, one), (other, two) = parts(first), parts(second)
        variance = covariance(one, one) + covariance(two, two) - 2 * covariance(one, two)
        z = (area - other) / np.sqrt(variance)
        out.append({
            "labels": labels.tolist(), "first": first.tolist(), "second": second.tolist(),
            "patients": [f"p{o}" for o in owner], "area": float(area), "variance": float(covariance(one, one)),
            "other": float(other), "z": float(z), "p": float(2 * scipy.stats.norm.sf(abs(z))),
        })
    return out


def stratified():
    sites = [scored(n, share, 0.8, ties) for n, share, ties in [(40, 0.5, None), (25, 0.2, 2), (60, 0.7, None)]]
    sites.append((np.array([1, 1, 1]), np.array([0.5, 0.6, 0.7])))
    wins = pairs = variance = 0.0
    shares = []
    for labels, scores in sites:
        m, n = int(labels.sum()), int(len(labels) - labels.sum())
        if m == 0 or n == 0:
            continue
        x, y = placements(labels, scores)
        wins += roc_auc_score(labels, scores) * m * n
        pairs += m * n
        shares.append((m * n, x.var(ddof=1) / m + y.var(ddof=1) / n))
    variance = sum((w / pairs) ** 2 * v for w, v in shares)
    return {
        "sites": [{"labels": l.tolist(), "scores": s.tolist()} for l, s in sites], "area": wins / pairs,
        "variance": float(variance),
    }


def thresholds():
    out = []
    for n, ties, share in [(50, None, 0.9), (50, 2, 0.9), (10, None, 1.0), (31, None, 0.5)]:
        labels, scores = scored(n, 0.4, 1.0, ties)
        candidates = sorted(set(scores.tolist()), reverse=True)
        best = next(t for t in candidates if np.mean(scores[labels == 1] >= t) >= share - 1e-12)
        out.append({"labels": labels.tolist(), "scores": scores.tolist(), "sensitivity": share, "threshold": best})
    return out


def predictive():
    out = []
    for (tp, fn, tn, fp), prevalence in itertools.product([(40, 10, 80, 20), (5, 0, 7, 3)], [0.01, 0.3]):
        se, sp = tp / (tp + fn), tn / (tn + fp)
        out.append({
            "counts": [tp, fn, tn, fp], "prevalence": prevalence,
            "positive": se * prevalence / (se * prevalence + (1 - sp) * (1 - prevalence)),
            "negative": sp * (1 - prevalence) / (sp * (1 - prevalence) + (1 - se) * prevalence),
        })
    return out


def perfect():
    return [
        {"positives": m, "negatives": n, "end": float(scipy.stats.beta.ppf(0.025, min(m, n), 1))}
        for m, n in [(5, 40), (20, 20), (100, 3)]
    ]


def within_sites(labels, scored, places, owners):
    """Areas within sites of several scores of the same scans, and their covariances."""
    # Of each site the placement values of each patient, summed, and by how much they spread.
    count = len(scored)
    total, sums = 0.0, np.zeros(count)
    spread = np.zeros((count, count))
    for site in sorted(set(places)):
        here = np.array([p == site for p in places])
        m, k = int(labels[here].sum()), int((1 - labels[here]).sum())
        if m == 0 or k == 0:
            continue
        whose = np.array(owners)[here]
        names = sorted(set(whose))
        rows = []
        for scores in scored:
            x, y = placements(labels[here], scores[here])
            deviation = np.zeros((len(names), 2))
            for name, value in zip(whose[labels[here] == 1], x - x.mean()):
                deviation[names.index(name), 0] += value
            for name, value in zip(whose[labels[here] == 0], y - y.mean()):
                deviation[names.index(name), 1] += value
            rows.append((x.mean(), deviation))
        counts = [len(set(whose[labels[here] == label])) for label in (1, 0)] + [len(names)]
        weight = m * k
        total += weight
        sums += weight * np.array([row[0] for row in rows])
        for i in range(count):
            for j in range(count):
                a, b = rows[i][1], rows[j][1]
                spread[i, j] += weight**2 * (
                    counts[0] / (counts[0] - 1) * (a[:, 0] @ b[:, 0]) / m**2
                    + counts[1] / (counts[1] - 1) * (a[:, 1] @ b[:, 1]) / k**2
                    + counts[2] / (counts[2] - 1) * (a[:, 0] @ b[:, 1] + a[:, 1] @ b[:, 0]) / (m * k)
                )
    return sums / total, spread / total**2


def strata():
    """Areas within sites where patients have several scans, of two scores of the same scans."""
    owners, places, labels, first, second = [], [], [], [], []
    for site, (n, patients) in enumerate([(50, 20), (30, 30), (40, 25), (4, 4)]):
        own, scores = scored(n, 0.5, 0.9, None if site != 1 else 2)
        if site == 3:
            own = np.ones(n, dtype=int)
        owners += [f"p{o}" for o in (np.arange(n) if patients == n else rng.randint(patients, size=n))]
        places += [f"site-{site}"] * n
        labels += own.tolist()
        first += scores.tolist()
        second += (scores * 0.5 + rng.normal(size=n) + 0.4 * own).tolist()
    labels, first, second = np.array(labels), np.array(first), np.array(second)

    areas, spread = within_sites(labels, [first, second], places, owners)
    z = (areas[0] - areas[1]) / np.sqrt(spread[0, 0] + spread[1, 1] - 2 * spread[0, 1])
    return {
        "labels": labels.tolist(), "first": first.tolist(), "second": second.tolist(), "sites": places,
        "patients": owners, "area": float(areas[0]), "variance": float(spread[0, 0]), "other": float(areas[1]),
        "covariance": float(spread[0, 1]), "z": float(z), "p": float(2 * scipy.stats.norm.sf(abs(z))),
    }


def pairs():
    """Pairs of trainings tested on the same scans: trainings that scatter beyond what the scans explain, and ones that
    do not. The shared covariance is the mean over pairs of pairs."""
    out = []
    for count, scatter in [(4, 0.9), (6, 0.0)]:
        places = sum(([f"site-{site}"] * n for site, n in enumerate((40, 30))), [])
        owners = [f"p{place[-1]}-{rng.randint(22)}" for place in places]
        labels = (rng.uniform(size=len(places)) < 0.5).astype(int)
        seen = rng.normal(size=len(places)) + labels

        def training():
            return seen + scatter * rng.normal() * labels + 0.3 * rng.normal(size=len(places))

        first = [training() for _ in range(count)]
        second = [training() for _ in range(count)]
        areas, spread = within_sites(labels, first + second, places, owners)
        weights = np.hstack([np.eye(count), -np.eye(count)])
        changes, covariance = weights @ areas, weights @ spread @ weights.T
        shared = covariance[~np.eye(count, dtype=bool)].mean()
        between = max(0.0, changes.var(ddof=1) - (np.diag(covariance).mean() - shared))
        half = scipy.stats.t.ppf(0.975, count - 1) * np.sqrt(covariance.mean() + between / count)
        assert (between > 0) == (scatter > 0)
        out.append({
            "labels": labels.tolist(), "first": [s.tolist() for s in first], "second": [s.tolist() for s in second],
            "sites": places, "patients": owners, "difference": float(changes.mean()), "between": float(between),
            "interval": [float(changes.mean() - half), float(changes.mean() + half)],
        })
    return out


json.dump(
    {
        "versions": {
            "numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__,
            "statsmodels": statsmodels.__version__,
        },
        "calibration": calibration(), "temperature": temperature(), "holm": holm(), "effects": effects(),
        "clustered": clustered(), "stratified": stratified(), "thresholds": thresholds(), "predictive": predictive(),
        "perfect": perfect(), "strata": strata(), "pairs": pairs(),
    },
    sys.stdout,
)
