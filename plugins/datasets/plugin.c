/* plugin.c - the entry of the dataset family. */
#include "datasets.h"
#include "idx.h"

const hk_host *datasets_host;

static hk_status init(const hk_host *host) {
    idx_host = datasets_host = host;
    hk_status st = host->add(host->ctx, "hk.dataset/1", "FashionMNIST", &fashion_mnist_type);
    if (!st) st = host->add(host->ctx, "hk.dataset/1", "MNIST", &mnist_type);
    if (!st) st = host->add(host->ctx, "hk.dataset/1", "Arrays", &arrays_type);
    return st ? st : host->add(host->ctx, "hk.dataset/1", "Subset", &subset_type);
}

HK_PLUGIN("hillock.datasets", "0.1.0", "Apache-2.0", init);
