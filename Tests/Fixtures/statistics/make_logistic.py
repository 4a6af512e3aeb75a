"""Makes logistic.json: scikit-learn's logistic and kernel ridge regression on standardised features, the golden values of
the tests.

python3 -m venv venv && venv/bin/pip install scikit-learn && venv/bin/python make_logistic.py > logistic.json
"""
import json
import numpy as np
import sklearn
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

rng = np.random.RandomState(7)
cases = []
for name, n, width, penalty, shift in [
    ("plain", 60, 3, 1.0, 1.0), ("separable", 30, 2, 1.0, 12.0), ("weak_penalty", 80, 4, 0.01, 0.7),
    ("wide", 12, 20, 1.0, 1.0), ("constant_column", 40, 3, 1.0, 1.0),
]:
    x = rng.normal(size=(n, width)) * 10.0 ** rng.randint(-2, 4, size=width)
    y = (rng.uniform(size=n) < 0.4).astype(int)
    y[:2] = [0, 1]
    x[:, 0] += shift * y * x[:, 0].std()
    if name == "constant_column":
        x[:, 1] = 5.5
    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=1 / penalty, solver="newton-cholesky", tol=1e-14, max_iter=1000)
    model.fit(scaler.transform(x), y)
    ridge = KernelRidge(kernel="rbf", gamma=0.3, alpha=0.1).fit(scaler.transform(x), 2.0 * y - 1)
    cases.append({
        "name": name, "penalty": penalty, "features": x.tolist(), "labels": y.tolist(),
        "intercept": float(model.intercept_[0]), "coefficients": model.coef_[0].tolist(),
        "probabilities": model.predict_proba(scaler.transform(x))[:, 1].tolist(),
        "kernel": ridge.predict(scaler.transform(x * 1.1)).tolist(),
    })
json.dump({"scikit-learn": sklearn.__version__, "cases": cases}, __import__("sys").stdout)
