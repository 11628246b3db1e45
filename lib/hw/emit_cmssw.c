/* The emulator as a plug-in of CMSSW: cmssw/, a shared library in the form that the hls4ml emulator
 * loader opens.
 *
 * Facts (nothing is copied): cms-hls4ml/hls4mlEmulatorExtras, include/hls4ml/emulator.h, src/hls4ml/emulator.cc:
 * dlopen(<model>.so, RTLD_LAZY | RTLD_LOCAL), C symbols create_model and destroy_model, a class with
 * the virtual functions prepare_input(std::any), predict(), read_result(std::any) and the
 * destructor, in this order. cms-hls4ml/CICADA, CICADA_<version>/: names, and which pointers come in std::any.
 * cms-sw/cmssw, L1Trigger/L1TCaloLayer1/plugins/L1TCaloSummary.cc: the plug-ins of versions X.1.2
 * pass ap_uint<10>[252] and ap_ufixed<16,8,AP_RND_CONV,AP_SAT>[1]; earlier ones the other types below. */
#include <stdlib.h>

#include "hw/emit_common.h"

/* CMSSW brings its own; this one lets the library be built and checked without CMSSW. */
static const char *const interface =
    "/* The interface between CMSSW and an emulated model, as hls4mlEmulatorExtras declares it: the same\n"
    " * names, the same order of virtual functions, no members. Written anew for builds without CMSSW; in CMSSW\n"
    " * put the folder of its own hls4ml/emulator.h into HLS4ML. */\n"
    "#ifndef HLS4ML_EMULATOR_H_\n#define HLS4ML_EMULATOR_H_\n\n#include <any>\n\n"
    "namespace hls4mlEmulator {\n"
    "class Model {\n"
    "public:\n"
    "    virtual void prepare_input(std::any input) = 0;\n"
    "    virtual void predict() = 0;\n"
    "    virtual void read_result(std::any result) = 0;\n"
    "    virtual ~Model() = default;\n"
    "};\n"
    "typedef Model *create_model_cls();\n"
    "typedef void destroy_model_cls(Model *);\n"
    "} // namespace hls4mlEmulator\n\n#endif\n";

static const char *const ap_include =
    "#if __has_include(<ap_fixed.h>)\n#include <ap_fixed.h>\n#define WITH_AP_TYPES 1\n#else\n#define WITH_AP_TYPES 0\n#endif\n\n";

static const char *const model_errors =
    "/* What callers of the deployed models catch, with the reason. */\n"
    "class wrong_type : public std::bad_any_cast {\n"
    "    std::string text;\n\n"
    "public:\n"
    "    wrong_type(const char *function, const char *wanted, const std::any &came)\n"
    "        : text(std::string(function) + \": a pointer to \" + wanted + \" wanted, type \" + came.type().name() + \" came\") {}\n"
    "    const char *what() const noexcept override { return text.c_str(); }\n"
    "};\n\n";

static const char *const model_class =
    "template <class T> long long number(const T &v) {\n"
    "    if constexpr (std::is_arithmetic_v<T>) return static_cast<long long>(v);\n"
    "    else return v.to_int64();\n"
    "}\n\n"
    "class student : public hls4mlEmulator::Model {\n"
    "    uint16_t et[INPUTS] = {};\n"
    "    uint16_t code = 0;\n\n"
    "    /* The counts behind a T *; false if it is another type. */\n"
    "    template <class T> bool take(const std::any &input) {\n"
    "        T *const *p = std::any_cast<T *>(&input);\n"
    "        if (!p) return false;\n"
    "        for (int i = 0; i < INPUTS; i++) {\n"
    "            const long long count = number((*p)[i]);\n"
    "            if (count < 0 || count >> INPUT_BITS) throw std::out_of_range(\"prepare_input: region \" + std::to_string(i) + \": \" + std::to_string(count));\n"
    "            et[i] = static_cast<uint16_t>(count);\n"
    "        }\n"
    "        return true;\n"
    "    }\n"
    "    /* The code into an integer, the score into any other T. */\n"
    "    template <class T> bool give(const std::any &result) const {\n"
    "        T *const *p = std::any_cast<T *>(&result);\n"
    "        if (!p) return false;\n"
    "        if constexpr (std::is_integral_v<T>) **p = code;\n"
    "        else **p = static_cast<T>(code / SCALE);\n"
    "        return true;\n"
    "    }\n"
    "    template <class... T> bool take_one_of(const std::any &input) { return (take<T>(input) || ...); }\n"
    "    template <class... T> bool give_one_of(const std::any &result) const { return (give<T>(result) || ...); }\n\n"
    "public:\n"
    "    void prepare_input(std::any input) override {\n"
    "        if (take_one_of<uint16_t, const uint16_t, int, const int>(input)) return;\n"
    "#if WITH_AP_TYPES\n"
    "        if (take_one_of<ap_uint<INPUT_BITS>, const ap_uint<INPUT_BITS>, ap_ufixed<INPUT_BITS, INPUT_BITS>,\n"
    "                        const ap_ufixed<INPUT_BITS, INPUT_BITS>>(input)) return;\n"
    "        throw wrong_type(\"prepare_input\", \"ap_uint, ap_ufixed, uint16_t or int\", input);\n"
    "#else\n"
    "        throw wrong_type(\"prepare_input\", \"uint16_t or int (built without ap_fixed.h)\", input);\n"
    "#endif\n"
    "    }\n\n";

static int write_model(const cb_emit *e, const char *name, const char *dir) {
    cb_text t = {0};
    cb_text_add(&t,
                "/* %s for CMSSW's hls4ml emulator loader: CICADAModel_%s.so.\n"
                " *\n"
                " * prepare_input takes a pointer to the %d regions: ap_uint<%d>, ap_ufixed<%d,%d>, uint16_t or int.\n"
                " * read_result takes a pointer to one score: ap_ufixed<16,8> with any of the quantizations that\n"
                " * CMSSW's plug-ins declare, float or double (the score), uint16_t or int (its code, score * %d).\n"
                " * The ap_ types only if ap_fixed.h was on the include path; it must be the one the caller is compiled with. */\n"
                "#include \"hls4ml/emulator.h\"\n\n#include <cstdint>\n#include <stdexcept>\n#include <string>\n#include <type_traits>\n\n",
                e->net->name, name, e->net->n_input, e->net->input_bits, e->net->input_bits, e->net->input_bits, 1 << CB_SCORE_FRAC);
    cb_text_put(&t, ap_include);
    cb_text_add(&t,
                "#include \"../emulator/emulator.h\"\n\nnamespace {\n\n"
                "constexpr int INPUTS = %s_INPUTS, INPUT_BITS = %d;\nconstexpr double SCALE = %d;\n\n",
                name, e->net->input_bits, 1 << CB_SCORE_FRAC);
    cb_text_put(&t, model_errors);
    cb_text_put(&t, model_class);
    cb_text_add(&t,
                "    void predict() override { %s_score(et, 1, &code); }\n\n"
                "    void read_result(std::any result) override {\n"
                "        if (give_one_of<uint16_t, int, float, double>(result)) return;\n"
                "#if WITH_AP_TYPES\n"
                "        if (give_one_of<ap_ufixed<%d, %d, AP_RND_CONV, AP_SAT>, ap_ufixed<%d, %d, AP_RND, AP_SAT>,\n"
                "                        ap_ufixed<%d, %d, AP_RND, AP_SAT, AP_SAT>, ap_ufixed<%d, %d>>(result)) return;\n"
                "        throw wrong_type(\"read_result\", \"ap_ufixed<16,8>, float, double, uint16_t or int\", result);\n"
                "#else\n"
                "        throw wrong_type(\"read_result\", \"float, double, uint16_t or int (built without ap_fixed.h)\", result);\n"
                "#endif\n"
                "    }\n"
                "};\n\n} // namespace\n\n"
                "extern \"C\" hls4mlEmulator::Model *create_model() { return new student; }\n"
                "extern \"C\" void destroy_model(hls4mlEmulator::Model *m) { delete m; }\n",
                name, CB_SCORE_BITS, CB_SCORE_BITS - CB_SCORE_FRAC, CB_SCORE_BITS, CB_SCORE_BITS - CB_SCORE_FRAC, CB_SCORE_BITS,
                CB_SCORE_BITS - CB_SCORE_FRAC, CB_SCORE_BITS, CB_SCORE_BITS - CB_SCORE_FRAC);
    return cb_text_write(&t, dir, "model.cpp");
}

/* ---- the program that loads it ---- */

static const char *const check_head =
    "/* check MODEL EVENTS SCORES: opens MODEL as CMSSW's loader does, scores the events through every pair of\n"
    " * types and compares. Both files are text: the counts of an event, blank separated; one score an\n"
    " * event. Exit status 1 on a mismatch. */\n"
    "#include <dlfcn.h>\n\n#include <cstdint>\n#include <cstdio>\n#include <stdexcept>\n#include <vector>\n\n"
    "#include \"hls4ml/emulator.h\"\n\n";

static const char *const check_body =
    "using hls4mlEmulator::Model;\n\n"
    "/* One event through the model: IN * goes in, OUT * comes back. */\n"
    "template <class IN, class OUT> double score(Model *model, const int *et) {\n"
    "    IN input[INPUTS];\n"
    "    OUT result[1] = {OUT(0)};\n"
    "    for (int i = 0; i < INPUTS; i++) input[i] = IN(et[i]);\n"
    "    model->prepare_input(input);\n"
    "    model->predict();\n"
    "    model->read_result(result);\n"
    "    return static_cast<double>(result[0]);\n"
    "}\n\n"
    "static bool same(Model *model, const int *et, double want, double *got) {\n"
    "    *got = score<int, double>(model, et);\n"
    "    if (*got != want) return false;\n"
    "    if ((*got = score<uint16_t, uint16_t>(model, et) / SCALE) != want) return false;\n"
    "#if WITH_AP_TYPES\n"
    "    if ((*got = score<ap_uint<INPUT_BITS>, ap_ufixed<16, 8, AP_RND_CONV, AP_SAT>>(model, et)) != want) return false;\n"
    "    if ((*got = score<ap_uint<INPUT_BITS>, ap_ufixed<16, 8, AP_RND, AP_SAT, AP_SAT>>(model, et)) != want) return false;\n"
    "    if ((*got = score<ap_ufixed<INPUT_BITS, INPUT_BITS>, ap_ufixed<16, 8>>(model, et)) != want) return false;\n"
    "#endif\n"
    "    return true;\n"
    "}\n\n"
    "/* Other types and counts that do not fit are exceptions, not scores. */\n"
    "static bool refuses(Model *model) {\n"
    "    static int et[INPUTS];\n"
    "    int refused = 0;\n"
    "    et[INPUTS - 1] = 1 << INPUT_BITS;\n"
    "    try { model->prepare_input(et); } catch (const std::out_of_range &) { refused++; }\n"
    "    et[INPUTS - 1] = -1;\n"
    "    try { model->prepare_input(et); } catch (const std::out_of_range &) { refused++; }\n"
    "    try { model->prepare_input(42); } catch (const std::bad_any_cast &) { refused++; }\n"
    "    try { model->read_result(static_cast<const char *>(\"\")); } catch (const std::bad_any_cast &) { refused++; }\n"
    "    return refused == 4;\n"
    "}\n\n"
    "static int fail(const char *what) {\n"
    "    std::fprintf(stderr, \"check: %s\\n\", what);\n"
    "    return 2;\n"
    "}\n\n"
    "/* 1, 0 at the end, -1 if the file stops within an event. */\n"
    "static int read_event(std::FILE *f, int *et) {\n"
    "    for (int i = 0; i < INPUTS; i++)\n"
    "        if (std::fscanf(f, \"%d\", &et[i]) != 1) return i ? -1 : 0;\n"
    "    return 1;\n"
    "}\n\n"
    "static int run(Model *model, std::FILE *events, std::FILE *scores) {\n"
    "    static int et[INPUTS];\n"
    "    long checked = 0, bad = 0;\n"
    "    int more;\n"
    "    for (double want, got; (more = read_event(events, et)) == 1; checked++) {\n"
    "        if (std::fscanf(scores, \"%lf\", &want) != 1) return fail(\"fewer scores than events\");\n"
    "        if (!same(model, et, want, &got) && !bad++)\n"
    "            std::printf(\"first mismatch: event %ld expected %.0f got %.0f\\n\", checked, want * SCALE, got * SCALE);\n"
    "    }\n"
    "    if (more < 0 || !checked) return fail(\"no events, or half an event at the end\");\n"
    "    if (!refuses(model)) return fail(\"a wrong type or count was not refused\");\n"
    "    std::printf(\"%ld mismatches of %ld%s\\n\", bad, checked, WITH_AP_TYPES ? \", ap_ types too\" : \"\");\n"
    "    return bad != 0;\n"
    "}\n\n"
    "int main(int argc, char **argv) {\n"
    "    if (argc != 4) return fail(\"three files wanted: MODEL EVENTS SCORES\");\n"
    "    void *library = dlopen(argv[1], RTLD_LAZY | RTLD_LOCAL);\n"
    "    if (!library) return fail(dlerror());\n"
    "    auto create = reinterpret_cast<hls4mlEmulator::create_model_cls *>(dlsym(library, \"create_model\"));\n"
    "    auto destroy = reinterpret_cast<hls4mlEmulator::destroy_model_cls *>(dlsym(library, \"destroy_model\"));\n"
    "    std::FILE *events = std::fopen(argv[2], \"r\"), *scores = std::fopen(argv[3], \"r\");\n"
    "    if (!create || !destroy) return fail(\"no create_model or destroy_model in the library\");\n"
    "    if (!events || !scores) return fail(\"a file cannot be opened\");\n"
    "    Model *model = create();\n"
    "    int rc = run(model, events, scores);\n"
    "    destroy(model);\n"
    "    return dlclose(library) || std::fclose(events) || std::fclose(scores) ? 2 : rc;\n"
    "}\n";

static int write_check(const cb_emit *e, const char *dir) {
    cb_text t = {0};
    cb_text_put(&t, check_head);
    cb_text_put(&t, ap_include);
    cb_text_add(&t, "constexpr int INPUTS = %d, INPUT_BITS = %d;\nconstexpr double SCALE = %d;\n", e->net->n_input, e->net->input_bits,
                1 << CB_SCORE_FRAC);
    cb_text_put(&t, check_body);
    return cb_text_write(&t, dir, "check.cpp");
}

static const char *const standin =
    "/* ap_fixed.h - stand-in for the vendor's header: the few operations that model.cpp and check.cpp use, so\n"
    " * that the conversions can be checked with a C++ compiler alone (make check-cmssw\n"
    " * AP_TYPES=cmssw/standin). Up to 16 bits. For CMSSW build with the ap_fixed.h that CMSSW has. */\n"
    "#ifndef CICADA_STANDIN_AP_FIXED_H\n#define CICADA_STANDIN_AP_FIXED_H\n\n#include <cstdint>\n\n"
    "enum ap_q_mode { AP_RND, AP_RND_ZERO, AP_RND_MIN_INF, AP_RND_INF, AP_RND_CONV, AP_TRN, AP_TRN_ZERO };\n"
    "enum ap_o_mode { AP_SAT, AP_SAT_ZERO, AP_SAT_SYM, AP_WRAP, AP_WRAP_SM };\n\n"
    "template <int W> class ap_uint {\n"
    "    uint16_t v = 0;\n\n"
    "public:\n"
    "    ap_uint() = default;\n"
    "    ap_uint(int x) : v(static_cast<uint16_t>(x & ((1 << W) - 1))) {}\n"
    "    int64_t to_int64() const { return v; }\n"
    "};\n\n"
    "/* Only values that fit: no rounding, no overflow. */\n"
    "template <int W, int I, ap_q_mode Q = AP_TRN, ap_o_mode O = AP_WRAP, int N = 0> class ap_ufixed {\n"
    "    uint16_t v = 0;\n\n"
    "public:\n"
    "    ap_ufixed() = default;\n"
    "    ap_ufixed(double x) : v(static_cast<uint16_t>(x * (1 << (W - I)))) {}\n"
    "    int64_t to_int64() const { return v >> (W - I); }\n"
    "    operator double() const { return v / static_cast<double>(1 << (W - I)); }\n"
    "};\n\n#endif\n";

int cb_emit_cmssw(const cb_emit *e) {
    char name[64];
    cb_emit_identifier(e->net->name, name);
    char *dir = cb_textf("%s/cmssw", e->dir), *hls4ml = cb_textf("%s/cmssw/hls4ml", e->dir), *stand = cb_textf("%s/cmssw/standin", e->dir);
    int rc = !dir || !hls4ml || !stand || cb_emit_text(hls4ml, "emulator.h", interface) || write_model(e, name, dir) ||
             write_check(e, dir) || cb_emit_text(stand, "ap_fixed.h", standin) ||
             cb_emit_text(dir, "model.map", "{\n  global:\n    create_model;\n    destroy_model;\n  local:\n    *;\n};\n");
    free(dir);
    free(hls4ml);
    free(stand);
    return rc ? -1 : 0;
}
