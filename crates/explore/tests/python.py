"""What scikit-learn, openTSNE and umap-learn find in a file of points, as one JSON object.

    python.py POINTS.f32 DIMENSIONS GROUPS

Point i carries the label i % GROUPS.
"""
import json, sys
import numpy as np
from openTSNE import TSNE
from openTSNE.affinity import PerplexityBasedNN
from sklearn import cluster, decomposition, discriminant_analysis, manifold, metrics
from sklearn.neighbors import NearestNeighbors
import umap

path, dimensions, groups = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
x = np.fromfile(path, "<f4").reshape(-1, dimensions).astype(float)
labels = np.arange(len(x)) % groups
out = {}
for name in ("euclidean", "cosine"):
    distances, _ = NearestNeighbors(n_neighbors=11, metric=name, algorithm="brute").fit(x).kneighbors()
    out[name] = distances.tolist()
pca = decomposition.PCA(3).fit(x)
out["pca_variances"], out["pca"] = pca.explained_variance_.tolist(), pca.transform(x).tolist()
for kernel in ("rbf", "poly", "sigmoid", "cosine"):
    # The sigmoid of large products is a step; scaled down it is not.
    gamma = 0.002 if kernel == "sigmoid" else None
    found = decomposition.KernelPCA(3, kernel=kernel, gamma=gamma, eigen_solver="dense").fit(x)
    out["kernel_" + kernel] = found.eigenvalues_.tolist()
    out["positions_" + kernel] = found.transform(x).tolist()
lda = discriminant_analysis.LinearDiscriminantAnalysis(solver="eigen", n_components=2).fit(x, labels)
# This solver does not take the mean off.
out["lda"] = lda.transform(x - x.mean(0)).tolist()
out["kmeans"] = cluster.KMeans(groups, n_init=10, random_state=0).fit(x).inertia_
sparse = decomposition.SparsePCA(3, alpha=2.0, random_state=0, max_iter=2000, tol=1e-10).fit(x)
out["sparse"] = sparse.components_.tolist()
tsne = np.asarray(TSNE(perplexity=30, random_state=0, negative_gradient_method="bh").fit(x))
out["tsne"] = tsne.tolist()
out["umap"] = umap.UMAP(random_state=0).fit_transform(x).tolist()
for name in ("tsne", "umap"):
    out["trust_" + name] = manifold.trustworthiness(x, np.array(out[name]), n_neighbors=10)
# Over all pairs of the map, as the likelihoods of the space have it.
p = PerplexityBasedNN(x, perplexity=30, method="exact").P.tocoo()
d = ((tsne[:, None] - tsne[None]) ** 2).sum(-1)
w = 1 / (1 + d)
z = w.sum() - len(x)
out["divergence"] = float((p.data * np.log(p.data * z / w[p.row, p.col])).sum())
out["silhouette"] = metrics.silhouette_score(x, labels)
other = cluster.KMeans(5, n_init=1, random_state=1).fit(x).labels_
out["other"] = other.tolist()
out["mutual"] = metrics.normalized_mutual_info_score(labels, other)
out["rand"] = metrics.adjusted_rand_score(labels, other)
json.dump(out, sys.stdout)
