/* schema.c - the one table of configuration keys: reading, checking, --help, --print-config and the documentation follow it.
 * A new key is a line here and a read where it is needed. */
#include "schema.h"

static const hk__key run_keys[] = {
    { "seed", HK__INT, 0, 9007199254740991.0, NULL, "0", "seed of parameter values, shuffling and every random draw" },
    { "threads", HK__INT, 0, 1024, NULL, "0", "threads; 0: one per CPU available" },
    { "nb", HK__INT, -1, 1048576, NULL, "0", "samples per block, a multiple of 16; 0: the backend's choice; -1: the whole batch" },
    { "max_isa", HK__CHOICE, 0, 0, "baseline|avx2|avx512", "avx512", "best instruction set that kernels may use" },
    { "out", HK__TEXT, 0, 0, NULL, "none", "folder for config.ini, run.json, metrics.jsonl and checkpoints; none: write nothing" },
    { "log_every", HK__INT, 0, 1e9, NULL, "0", "one line in metrics.jsonl for every N training steps; 0: only for epochs" },
    { "report", HK__SWITCH, 0, 0, NULL, "on", "report.html in OUT at the end, a page of its own with curves, rates, confusion matrix, samples, times" },
    { "tensorboard", HK__SWITCH, 0, 0, NULL, "off", "event files for TensorBoard in OUT/tb: numbers, histograms, pictures" },
    { "watch", HK__SWITCH, 0, 0, NULL, "off", "firing rates and gradient norms into metrics.jsonl, every log_every steps or each epoch; warnings of dead and saturated layers" },
    { "nan", HK__CHOICE, 0, 0, "off|stop|skip|rollback", "off", "stop: look at every layer's output behind each batch, and stop with the name of the first that is not finite; skip: leave out the optimizer's step of a batch whose loss or gradients are not finite; rollback: and go back to the network as it was" },
    { "nan_limit", HK__INT, 1, 1e6, NULL, "10", "skip: batches in a row, rollback: batches since the state gone back to, behind which the training ends with an error" },
    { "nan_every", HK__INT, 1, 1e9, NULL, "100", "rollback: keep a state to go back to every N training steps" },
    { "nan_lr", HK__REAL, 0, 1, NULL, "1", "rollback: factor of the learning rate from then on, each time" },
    { "amp", HK__CHOICE, 0, 0, "off|bf16|f16", "off", "numbers of 16 bits where they do; an error: no backend has them; large products rounded to bf16 are [backend] options = bf16=on" },
    { "tune", HK__TEXT, 0, 0, NULL, "off", "off: backends choose how an operation is done; on: what is fastest here is measured first, some seconds, and kept in OUT/tune.txt and the checkpoint; FILE: the choices of such a file" },
    { "memory", HK__CHOICE, 0, 0, "balanced|fast|small", "balanced", "what a plan keeps: fast: all; balanced: not what costs next to nothing to make again; small: less" },
    { "chunk", HK__INT, 0, 1e9, NULL, "0", "steps that training goes through at a time, so that memory does not grow with T; 0: as [run] memory has it; T and more: all at once" },
    { "memory_limit", HK__BYTES, 0, 1e15, NULL, "0", "refuse what needs more memory, data included; 0: memory and swap of the machine" },
    { "fold_time", HK__SWITCH, 0, 0, NULL, "on", "pass: what does not depend on time runs over T*N rows at once" },
    { "hoist", HK__SWITCH, 0, 0, NULL, "on", "pass: what does not depend on feedback leaves the loop over time" },
    { "fold_norm", HK__SWITCH, 0, 0, NULL, "on", "pass: for inference, batch normalisation becomes part of the convolution before it" },
    { "fuse", HK__SWITCH, 0, 0, NULL, "on", "pass: neighbouring operations become one, where a rule fits and the backend takes it" },
};
static const hk__key backend_keys[] = {
    { "name", HK__TEXT, 0, 0, NULL, "cpu", "backend that runs the network" },
    { "options", HK__TEXT, 0, 0, NULL, "none", "the backend's own, as key=value, key=value. cpu: conv=auto|direct|winograd, how dense 3 x 3 convolutions are done; steps=auto|single|patterns, how sums of spikes are; bf16=off|on|winograd, large products of bf16 with sums in f32, on CPUs that have it (docs/performance.md)" },
};
static const hk__key plugins_keys[] = {
    { "path", HK__TEXT, 0, 0, NULL, "none", "folders or files of more plugins, ':' between" },
};
static const hk__key hooks_keys[] = {
    { "load", HK__TEXT, 0, 0, NULL, "none", "shared objects that extend the Trainer, ',' between: files as ./mine.so, or names of installed ones as early_stop; their options are keys here" },
};
static const hk__key data_keys[] = {
    { "name", HK__TEXT, 0, 0, NULL, NULL, "dataset, as FashionMNIST()" },
    { "limit", HK__INT, 0, 1e12, NULL, "0", "train on the first N samples; 0: all" },
    { "test_limit", HK__INT, 0, 1e12, NULL, "0", "test on the first N samples; 0: all" },
    { "drop_last", HK__SWITCH, 0, 0, NULL, "on", "leave out the last, incomplete batch of an epoch" },
    { "path", HK__TEXT, 0, 0, NULL, "none", "folder of the data: field root of the dataset; none: the dataset's own" },
    { "workers", HK__INT, 0, 64, NULL, "0", "threads that prepare batches ahead; 0: the one that trains; the bits are the same for any number" },
    { "cache", HK__SWITCH, 0, 0, NULL, "off", "read all samples first and keep them as numbers, 4 bytes each: for datasets whose samples are slow to read" },
};
static const hk__key augment_keys[] = {
    { "flip", HK__REAL, 0, 1, NULL, "0", "probability of mirroring a picture left to right" },
    { "crop_padding", HK__INT, 0, 4096, NULL, "0", "zeros around a picture, out of which a window of its size is taken at random; 0: none" },
    { "random_erase", HK__REAL, 0, 1, NULL, "0", "probability of setting a rectangle (2 to 33 % of a picture) to 0" },
    { "mixup_alpha", HK__REAL, 0, 1000, NULL, "0", "alpha of mixup: pictures and targets are mixed in pairs, lambda of law Beta(alpha, alpha); 0: off" },
    { "cutmix_alpha", HK__REAL, 0, 1000, NULL, "0", "alpha of cutmix: a rectangle of another picture; with mixup, one of the two at random for each batch; 0: off" },
    { "mean", HK__TEXT, 0, 0, NULL, "none", "subtracted from pixels, in training and tests: one number, or one for each channel, as 0.4914 0.4822 0.4465" },
    { "std", HK__TEXT, 0, 0, NULL, "none", "what pixels less the mean are divided by: as many numbers" },
};
static const hk__key model_keys[] = {
    { "type", HK__TEXT, 0, 0, NULL, "sequential", "sequential: the layers of [layers]; else a constructor, as Name(channels=16)" },
    { "T", HK__INT, 1, 1099511627776.0, NULL, NULL, "time steps" },
};
static const hk__key train_keys[] = {
    { "batch", HK__INT, 1, 1099511627776.0, NULL, NULL, "samples of a training step" },
    { "epochs", HK__INT, 1, 1e6, NULL, NULL, "times through the training data" },
    { "lr", HK__REAL, 0, 1e6, NULL, NULL, "learning rate" },
    { "loss", HK__TEXT, 0, 0, NULL, "MSE()", "loss between the output's mean over T and the label" },
    { "optimizer", HK__TEXT, 0, 0, NULL, NULL, "optimizer without its lr, as SGD(momentum=0.9) or Adam()" },
    { "scheduler", HK__TEXT, 0, 0, NULL, "none", "learning rate of each epoch, as CosineAnnealingLR(); none: constant" },
    { "clip_norm", HK__REAL, 0, 1e6, NULL, "0", "scale all gradients together so that their norm is at most this; 0: off" },
    { "clip_value", HK__REAL, 0, 1e6, NULL, "0", "keep each number of a gradient between -value and value, before clip_norm; 0: off" },
    { "accumulate", HK__INT, 1, 1000000, NULL, "1", "batches of a training step, which takes the mean of their gradients; at an epoch's end as many as are left" },
    { "ema", HK__REAL, 0, 1, NULL, "0", "decay, below 1, of an average of parameters and buffers, which tests use; 0: none" },
    { "ema_test", HK__SWITCH, 0, 0, NULL, "on", "test with the average where there is one; off: with the parameters" },
    { "start_epoch", HK__INT, 0, 1e6, NULL, "0", "epochs that count as done when a new run begins: of the schedule, the order of samples and `epochs`" },
    { "test_batch", HK__INT, 1, 1099511627776.0, NULL, "400", "samples of a test step" },
    { "momentum", HK__TEXT, 0, 0, NULL, "none", "the optimizer's momentum; none: what optimizer says" },
    { "weight_decay", HK__TEXT, 0, 0, NULL, "none", "the optimizer's weight_decay; none: what optimizer says" },
    { "label_smoothing", HK__TEXT, 0, 0, NULL, "none", "the loss's label_smoothing; none: what loss says" },
    { "lr_step_size", HK__TEXT, 0, 0, NULL, "none", "the scheduler's step_size, as StepLR has it; none: what scheduler says" },
    { "lr_gamma", HK__TEXT, 0, 0, NULL, "none", "the scheduler's gamma: StepLR, MultiStepLR, ExponentialLR" },
    { "lr_t_max", HK__TEXT, 0, 0, NULL, "none", "the scheduler's T_max: CosineAnnealingLR" },
    { "lr_min", HK__TEXT, 0, 0, NULL, "none", "the scheduler's eta_min: CosineAnnealingLR" },
};
static const hk__key monitor_keys[] = {
    { "spikes", HK__CHOICE, 0, 0, "off|mean|full", "off", "spikes of each spiking layer in the training steps; mean: of each neuron; full: all of the epoch's last step" },
    { "membranes", HK__CHOICE, 0, 0, "off|mean|full", "off", "the same of membranes (the first state of a neuron)" },
    { "gradients", HK__CHOICE, 0, 0, "off|mean|full", "off", "the same of the gradients of the spikes" },
    { "every", HK__INT, 1, 1e9, NULL, "1", "look at every N-th training step, and at an epoch's last one" },
};
static const hk__key checkpoint_keys[] = {
    { "every_epochs", HK__INT, 0, 1e6, NULL, "0", "write a checkpoint every N epochs; 0: only at the end" },
    { "every_steps", HK__INT, 0, 1e12, NULL, "0", "write a checkpoint every N training steps, also within an epoch; 0: none" },
};

#define KEYS(k) k, (int)(sizeof(k) / sizeof(k)[0])
static const hk__section sections[] = {
    { "run", KEYS(run_keys), HK__CLOSED, "how the training runs" },
    { "backend", KEYS(backend_keys), HK__CLOSED, "where it runs" },
    { "plugins", KEYS(plugins_keys), HK__CLOSED, "plugins beside the standard ones" },
    { "hooks", KEYS(hooks_keys), HK__CLOSED, "what extends the Trainer (hillock/trainer.h)" },
    { "data", KEYS(data_keys), HK__CLOSED, "what it learns from" },
    { "augment", KEYS(augment_keys), HK__CLOSED, "what is done to samples; all but mean and std to training samples alone" },
    { "model", KEYS(model_keys), HK__FREE, "the network; any other key here can be used as ${key}, also in ${integer arithmetic}" },
    { "layers", NULL, 0, HK__LIST, "one line per layer, in order: state_dict name = Constructor(...)" },
    { "learners", NULL, 0, HK__LIST, "parameter = Rule(...): a rule that gives its gradient in place of backpropagation, as 0.weight = STDP(sn=\"1\", ...)" },
    { "groups", NULL, 0, HK__LIST, "name = PARAMETERS: FIELDS: parameters, by names with *, or one_axis, with other fields of the optimizer: plain = *.bias one_axis: weight_decay=0" },
    { "train", KEYS(train_keys), HK__CLOSED, "how it learns" },
    { "monitor", KEYS(monitor_keys), HK__CLOSED, "records of the spiking layers: OUT/monitor_EPOCH.safetensors, for each epoch" },
    { "checkpoint", KEYS(checkpoint_keys), HK__CLOSED, "what is kept" },
};

static const hk__key bench_model_keys[] = {
    { "T", HK__INT, 1, 1099511627776.0, NULL, NULL, "time steps" },
    { "densities", HK__TEXT, 0, 0, NULL, "none", "for spikes: parts of the input that are spikes, as 0.02 0.1 0.5" },
};
static const hk__key bench_train_keys[] = {
    { "batch", HK__INT, 1, 1099511627776.0, NULL, NULL, "samples" },
};
static const hk__section bench_sections[] = {
    { "run", KEYS(run_keys), HK__CLOSED, "how it runs" },
    { "backend", KEYS(backend_keys), HK__CLOSED, "what is timed" },
    { "plugins", KEYS(plugins_keys), HK__CLOSED, "plugins beside the standard ones" },
    { "model", KEYS(bench_model_keys), HK__FREE, "sizes; any other key here can be used as ${key}" },
    { "train", KEYS(bench_train_keys), HK__CLOSED, "sizes" },
    { "cases", NULL, 0, HK__LIST, "one line per case: SHAPE.name = Constructor(...), as 64x14x14.conv2 = Conv2d(64, 64, 3, padding=1); SHAPE: of one sample" },
};
const hk__schema hk__bench_schema = { bench_sections, (int)(sizeof bench_sections / sizeof bench_sections[0]), "model" };
const hk__schema hk__train_schema = { sections, (int)(sizeof sections / sizeof sections[0]), "model" };
