/* fashion_mnist.c - Fashion-MNIST: 60000 and 10000 grey pictures of clothes, 28x28, 10 classes. */
#include "idx.h"

static const hk_field fields[] = {
    { "root", HK_STR, 0, "\"/usr/share/datasets/fashion-mnist\"", 0, 0, NULL, "folder of the four IDX files, plain or gzip" },
};
static const char *const names[] = { "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot" };
static const idx_spec spec = { 28, 28, 10, names, "dataset-fashion-mnist" };

static hk_status open_set(const hk_module *self, int train, void **ds) { return idx_open(self, &spec, train, ds); }

const hk_dataset_type fashion_mnist_type = {
    .struct_size = sizeof(hk_dataset_type),
    .n_fields = sizeof fields / sizeof *fields,
    .fields = fields,
    .doc = "Grey pictures of clothes, 28x28, pixels 0 to 1; 10 classes; 60000 to train, 10000 to test",
    .source = "Xiao, Rasul, Vollgraf 2017, Fashion-MNIST; torchvision.datasets.FashionMNIST",
    .open = open_set,
    .close = idx_close,
    .size = idx_size,
    .shape = idx_shape,
    .classes = idx_classes,
    .read = idx_read,
    .class_name = idx_class_name,
    .bytes = idx_bytes,
};
