/* Every configuration key: section, key, type, default, range, meaning. */
#include "base/config.h"

#define INT(s, k, v, lo, hi, help) {s, k, CB_KEY_INT, v, lo, hi, 0, help}
#define REAL(s, k, v, lo, hi, help) {s, k, CB_KEY_REAL, v, lo, hi, 0, help}
#define BOOL(s, k, v, help) {s, k, CB_KEY_BOOL, v, 0, 0, 0, help}
#define TEXT(s, k, v, help) {s, k, CB_KEY_TEXT, v, 0, 0, 0, help}
#define CHOICE(s, k, v, words, help) {s, k, CB_KEY_CHOICE, v, 0, 0, words, help}
#define REALS(s, k, v, lo, hi, help) {s, k, CB_KEY_REALS, v, lo, hi, 0, help}

const cb_config_key cb_config_schema[] = {
    /* read by the Makefile */
    TEXT("run", "students", "qkeras-v2 hgq-1e-4", "files in configs/students, without .ini"),
    TEXT("run", "fronts", "", "files in configs/students with [front] points, without .ini, or NAME@SEED; FRONT.eN is a student"),
    TEXT("run", "samples", "zb nu tt_had tt_lep tt_dil qcd haa4b suep", "what simulate makes"),
    TEXT("run", "part", "xc7vx690t", "file in configs/parts, without .ini"),
    INT("run", "seed", "1", 0, 1e15, "seed of every random stream"),
    INT("run", "image_memory_mib", "256", 1, 1e7,
        "training images held in memory; more are read one by one from a scratch file beside the output (same results)"),

    INT("simulate", "zb_train", "100000", 0, 1e9, "zero bias events for training"),
    INT("simulate", "zb_val", "20000", 0, 1e9, "zero bias events for validation"),
    INT("simulate", "zb_test", "50000", 0, 1e9, "zero bias events for testing"),
    INT("simulate", "signal_train", "2500", 0, 1e9, "events of each other sample for training (outlier exposure)"),
    INT("simulate", "signal_val", "500", 0, 1e9, "the same for validation"),
    INT("simulate", "signal_test", "10000", 0, 1e9, "the same for testing"),
    REALS("simulate", "library_split", "0.5 0.1 0.4", 0, 1, "fractions of library entries for train, val, test"),

    REALS("preprocess", "split", "0.5 0.1 0.4", 0, 1, "fractions for inputs that carry no split"),
    BOOL("preprocess", "require_acceptance", "yes", "drop events whose AcceptanceFlag is 0"),

    CHOICE("teacher", "architecture", "cicada", "cicada cicada-revised", "layer description"),
    INT("teacher", "epochs", "12", 1, 100000, "passes over the training events"),
    INT("teacher", "batch", "512", 16, 65536, "events a step (multiple of 16)"),
    REAL("teacher", "learning_rate", "0.001", 0, 1, "Adam"),
    REALS("teacher", "width", "20 30 80", 1, 4096, "filters of conv 1, conv 2, latent size"),

    CHOICE("distill", "outlier", "signal", "none signal dummy augment", "outlier exposure of the students"),
    TEXT("distill", "outlier_process", "tt_dil", "signal sample used for outlier = signal"),
    REAL("distill", "outlier_fraction", "0.022", 0, 0.9, "outliers / (zero bias + outliers) in train and val"),
    INT("distill", "float_epochs", "40", 0, 100000, "epochs of the float student (the ceiling); 0 = none"),
    INT("distill", "float_batch", "256", 16, 65536, "batch of the float student (multiple of 16)"),

    TEXT("student", "name", "student", "row name in the tables"),
    CHOICE("student", "family", "qkeras", "qkeras hgq", "which trainer"),
    CHOICE("student", "architecture", "v2", "v1 v2", "v1: dense only; v2: conv 2x2 stride 2 first"),
    INT("student", "filters", "4", 1, 64, "conv filters (v2)"),
    INT("student", "kernel", "2", 1, 9, "conv kernel size = stride (v2)"),
    INT("student", "hidden", "16", 1, 1024, "units of the first dense layer"),
    INT("student", "epochs", "30", 1, 100000, "passes over train + outliers"),
    INT("student", "batch", "1024", 16, 65536, "events a step (multiple of 16)"),
    REAL("student", "learning_rate", "0.001", 0, 1, "Adam"),
    INT("student", "seed", "1", 0, 1e15, "initial weights, dropout, shuffling"),

    REALS("qkeras", "conv", "12 3", 0, 16, "conv kernel: bits, integer of quantized_bits (symmetric, alpha 1)"),
    REALS("qkeras", "dense", "8 1", 0, 16, "first dense kernel, after batch norm folding"),
    REALS("qkeras", "bias", "8 3", 0, 16, "its folded bias"),
    REALS("qkeras", "out", "12 3", 0, 16, "last kernel"),
    REALS("qkeras", "relu_conv", "10 6", 0, 16, "bits, integer of quantized_relu after the convolution"),
    REALS("qkeras", "relu_dense", "10 6", 0, 16, "after the first dense layer"),

    CHOICE("hgq", "bits", "data", "2025 head data", "initial bit widths: spec hgq 8; data = from calibration ranges"),
    CHOICE("hgq", "bias_bits", "head", "2025 head", "bias quantizer flavour: SAT_SYM or WRAP"),
    REAL("hgq", "beta", "1e-4", 0, 1, "loss per EBOP (start of the schedule)"),
    REAL("hgq", "beta_end", "0", 0, 1, "mixed schedule: beta after the log ramp; 0 = constant beta"),
    REAL("hgq", "ramp_start", "0.25", 0, 1, "fraction of the epochs with constant beta before the ramp"),
    REAL("hgq", "ramp_stop", "0.9", 0, 1, "fraction of the epochs at which the ramp ends; the best later epoch is kept"),
    REAL("hgq", "target_ebops", "0", 0, 1e12, "EBOPs to steer beta to (HGQ2's BetaPID); 0 = beta follows the schedule above"),
    REALS("hgq", "pid", "1 0.002 0", 0, 1e6, "p, i, d of that controller"),
    BOOL("hgq", "pid_linear", "no", "its error E / target - 1 instead of the decadic logarithm of E / target"),
    INT("hgq", "pid_warmup", "10", 1, 100000, "epochs with constant beta before its first step"),
    REAL("hgq", "pid_damp", "0", 0, 1, "beta is multiplied by 1 - this while the EBOPs are below the target"),
    REAL("hgq", "beta_min", "0", 0, 1, "smallest beta of the controller"),
    REAL("hgq", "beta_max", "0.01", 0, 1, "largest beta of the controller"),
    INT("hgq", "cycle", "0", 0, 100000, "epochs of a cosine cycle of the learning rate; 0 = none"),
    REAL("hgq", "rate_end", "1", 1e-6, 1, "learning rate of the last epoch / student.learning_rate (log-linear)"),
    CHOICE("hgq", "range", "tracked", "tracked trained", "integer bits of data: follow the data (HGQ's WRAP, saturating at inference), or trained (SAT_SYM)"),
    INT("hgq", "start_bits", "6", 1, 20, "bits = data: significant bits of a weight, width of later data"),
    INT("hgq", "calibrate", "4096", 16, 1e9, "bits = data: training events that set the ranges (also when traced)"),
    CHOICE("hgq", "fold", "upstream", "upstream exact", "batch-norm offset of dense1: HGQ2's, or a true batch norm"),
    REAL("hgq", "regularizer", "1e-8", 0, 1, "MonoL1 on bit variables"),

    INT("front", "points", "0", 0, 999, "students that a front keeps, evenly spaced in log EBOPs; 0 = one student, no front"),
    REALS("front", "betas", "", 0, 1, "HGQ: constant betas, trained side by side, one front of all; empty = one run by [hgq]"),
    TEXT("front", "widths", "", "QKeras: widths trained side by side, words such as w6a8 or d4.0o6 (lib/quant/qkeras_front.h)"),
    REAL("front", "worst", "3", 1, 1e6, "checkpoints with a validation error above this many times the smallest are left out"),

    INT("hardware", "extra_levels", "1", -1, 1000,
        "adder levels that one layer may have above the least possible; -1 = any (fewest LUTs, longest latency)"),
    INT("hardware", "levels_per_stage", "3", 0, 1000, "adder levels between registers; 0 = combinational"),
    BOOL("hardware", "ternary", "no", "Verilog: sums of three operands in one carry chain (LUT6_2 and CARRY4 where synthesis defines CB_XC7)"),
    REAL("hardware", "clock_ns", "6.25", 0.1, 1000, "target clock period"),
    INT("hardware", "check_software", "10000", 0, 1e9, "events compared in software"),
    INT("hardware", "check_simulation", "500", 0, 1e9, "events compared in Verilog simulation"),

    TEXT("part", "name", "xc7vx690tffg1927-2", "device"),
    CHOICE("part", "family", "xc7", "xc7 xcup", "Yosys family"),
    INT("part", "lut", "433200", 1, 1e9, "LUTs on the part"),
    INT("part", "ff", "866400", 1, 1e9, "flip-flops"),
    INT("part", "dsp", "3600", 0, 1e9, "DSP blocks"),
    INT("part", "bram", "1470", 0, 1e9, "36 kbit block RAMs"),

    CHOICE("synthesize", "design", "pipelined", "pipelined combinational", "which Verilog the tools get; the estimate follows"),
    BOOL("synthesize", "yosys", "yes", "run Yosys (when installed)"),
    INT("synthesize", "timeout_s", "1200", 1, 1e7, "wall clock limit of one tool run"),
    INT("synthesize", "memory_mib", "3500", 64, 1e7, "address space limit of one tool run"),
    BOOL("synthesize", "vendor", "yes", "run Vivado and Vitis HLS (when installed)"),
    INT("synthesize", "vendor_timeout_s", "14400", 1, 1e7, "wall clock limit of one vendor tool run"),
    INT("synthesize", "vendor_memory_mib", "32768", 64, 1e7, "address space limit of one vendor tool run"),

    REALS("score", "rates_khz", "0.3 1 3 10", 0, 1e6, "trigger rates of the working points"),
    REAL("score", "crossing_rate_khz", "28610", 1, 1e6, "2544 bunches x 11.245 kHz (CICADA's own plots)"),
    INT("score", "bootstrap", "200", 0, 1e6, "resamples for the EMD interval"),
    {0}};
