/* Readers of the vendors' reports, whole and cut off, and the report they end in. */
#include "base/rng.h"
#include "hw/vendor_report.h"
#include "unit.h"

#define FIXTURE(name) "tests/data/vendor/" name

static cb_synth_row *fresh(cb_synth_report *r) {
    *r = (cb_synth_report){.student = "s", .part = {"p", "xc7", 433200, 866400, 3600, 1470, 6.25}};
    cb_synth_row *row = cb_synth_row_add(r, "vivado-route", "vivado", "vendor");
    CU_ASSERT_PTR_NOT_NULL_FATAL(row);
    return row;
}

static const char *text_of(json_t *j, const char *key) {
    const char *s = json_string_value(json_object_get(j, key));
    return s ? s : "(none)";
}

static void test_csynth(void) {
    cb_synth_report r;
    cb_synth_row *row = fresh(&r);
    json_t *names;
    UNIT_OK(cb_csynth_read(FIXTURE("csynth.xml"), row, &names));
    CU_ASSERT(row->lut == 8851 && row->ff == 5494 && row->dsp == 20 && row->bram == 1.5);
    CU_ASSERT(row->cycles == 16 && row->ii == 4 && isnan(row->carry));
    CU_ASSERT_DOUBLE_EQUAL(row->fmax_mhz, 1000 / 4.334, 1e-9);
    CU_ASSERT_STRING_EQUAL(row->version, "2021.1");
    CU_ASSERT_STRING_EQUAL(text_of(names, "BestLatency"), "15");
    CU_ASSERT_STRING_EQUAL(text_of(names, "EstimatedClockPeriod"), "4.334");
    CU_ASSERT_STRING_EQUAL(text_of(names, "AvailableLUT"), "433200");
    CU_ASSERT_STRING_EQUAL(text_of(names, "URAM"), "0");
    json_decref(names);
    UNIT_FAILS(cb_csynth_read(FIXTURE("timing_met.rpt"), row, &names), "no element");
    UNIT_FAILS(cb_csynth_read(FIXTURE("none.xml"), row, &names), "cannot open");
    cb_synth_report_free(&r);
}

/* The text report of the same synthesis says the same; older versions are read, unknown cycles are unknown. */
static void test_csynth_text(void) {
    cb_synth_report r, s;
    cb_synth_row *row = fresh(&r), *other = fresh(&s);
    json_t *names, *xml;
    UNIT_OK(cb_csynth_rpt_read(FIXTURE("csynth.rpt"), row, &names));
    UNIT_OK(cb_csynth_read(FIXTURE("csynth.xml"), other, &xml));
    CU_ASSERT(json_equal(names, xml));
    CU_ASSERT(row->lut == other->lut && row->ff == other->ff && row->dsp == other->dsp && row->bram == other->bram);
    CU_ASSERT(row->cycles == 16 && row->ii == 4 && row->fmax_mhz == other->fmax_mhz);
    CU_ASSERT_STRING_EQUAL(row->version, "2021.1");
    json_decref(names);
    json_decref(xml);
    UNIT_OK(cb_csynth_rpt_read(FIXTURE("csynth_2019.rpt"), row, &names));
    CU_ASSERT(row->lut == 10121 && row->ff == 13339 && row->dsp == 12 && row->bram == 2 && row->cycles == 10 && row->ii == 2);
    CU_ASSERT_DOUBLE_EQUAL(row->fmax_mhz, 1000 / 4.25, 1e-9);
    CU_ASSERT_STRING_EQUAL(row->version, "2019.1");
    CU_ASSERT_STRING_EQUAL(text_of(names, "BestLatency"), "9");
    CU_ASSERT_STRING_EQUAL(text_of(names, "IntervalMin"), "1");
    CU_ASSERT_STRING_EQUAL(text_of(names, "AvailableDSP"), "12288");
    CU_ASSERT_STRING_EQUAL(text_of(names, "URAM"), "0");
    json_decref(names);
    char *text = cb_file_read(FIXTURE("csynth.rpt"), NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memcpy(strstr(text, "       15|       16|"), "        ?|        ?|", 20);
    const char *path = unit_scratch("older.rpt");
    UNIT_OK(cb_file_write(path, text));
    UNIT_OK(cb_csynth_rpt_read(path, row, &names));
    CU_ASSERT(isnan(row->cycles) && row->ii == 4);
    json_decref(names);
    memcpy(strstr(text, "    8851|"), "  -8851|", 8);
    UNIT_OK(cb_file_write(path, text));
    UNIT_FAILS(cb_csynth_rpt_read(path, row, &names), "LUT: '-8851' is not a count");
    UNIT_FAILS(cb_csynth_rpt_read(FIXTURE("csynth.xml"), row, &names), "no clock under '+ Timing'");
    UNIT_FAILS(cb_csynth_rpt_read(FIXTURE("timing_met.rpt"), row, &names), "not a complete csynth.rpt");
    unlink(path);
    free(text);
    cb_synth_report_free(&r);
    cb_synth_report_free(&s);
}

static void test_cosim(void) {
    cb_synth_report r;
    cb_synth_row *row = fresh(&r);
    json_t *names;
    UNIT_OK(cb_cosim_read(FIXTURE("cosim.rpt"), row, &names));
    CU_ASSERT(row->cycles == 16 && row->ii == 5 && isnan(row->lut) && isnan(row->ff) && isnan(row->fmax_mhz));
    CU_ASSERT_STRING_EQUAL(text_of(names, "RTL"), "Verilog");
    CU_ASSERT_STRING_EQUAL(text_of(names, "Status"), "Pass");
    CU_ASSERT_STRING_EQUAL(text_of(names, "LatencyMin"), "15");
    CU_ASSERT_STRING_EQUAL(text_of(names, "LatencyAvg"), "15");
    CU_ASSERT_STRING_EQUAL(text_of(names, "LatencyMax"), "16");
    CU_ASSERT_STRING_EQUAL(text_of(names, "IntervalMin"), "4");
    CU_ASSERT_STRING_EQUAL(text_of(names, "IntervalMax"), "5");
    json_decref(names);
    UNIT_OK(cb_cosim_read(FIXTURE("cosim_2019.rpt"), row, &names)); /* no interval after one call */
    CU_ASSERT(row->cycles == 9 && isnan(row->ii));
    CU_ASSERT_STRING_EQUAL(text_of(names, "RTL"), "VHDL");
    CU_ASSERT_STRING_EQUAL(text_of(names, "IntervalMax"), "NA");
    json_decref(names);
    static const struct { const char *from, *to, *error; } bad[] = {
        {"|      Pass|", "|      Fail|", "status of the Verilog simulation: Fail"},
        {"|      Pass|", "|        NA|", "no line of Verilog or VHDL with a status"},
        {"|             15|             15|", "|            1 5|             15|", "LatencyMin: '1 5' is not a number of cycles"},
        {"|             16|", "|            -16|", "LatencyMax: '-16' is not"},
        {"|             16|", "|             14|", "a least number of cycles above the most"},
        {"+  Status  +", "+  State   +", "not a complete cosim.rpt"}};
    char *whole = cb_file_read(FIXTURE("cosim.rpt"), NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
    const char *path = unit_scratch("cosim.rpt");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *text = cb_strdup(whole);
        memcpy(strstr(text, bad[i].from), bad[i].to, strlen(bad[i].to));
        UNIT_OK(cb_file_write(path, text));
        UNIT_FAILS(cb_cosim_read(path, row, &names), bad[i].error);
        CU_ASSERT_PTR_NULL(names);
        free(text);
    }
    UNIT_FAILS(cb_cosim_read(FIXTURE("csynth.rpt"), row, &names), "not a complete cosim.rpt");
    UNIT_FAILS(cb_cosim_read(FIXTURE("none.rpt"), row, &names), "cannot open");
    unlink(path);
    free(whole);
    cb_synth_report_free(&r);
}

static void test_utilization(void) {
    cb_synth_report r;
    cb_synth_row *row = fresh(&r);
    UNIT_OK(cb_utilization_read(FIXTURE("utilization_7series.rpt"), row));
    CU_ASSERT(row->lut == 36095 && row->ff == 18541 && row->dsp == 2 && row->bram == 1.5 && row->carry == 10480);
    CU_ASSERT_STRING_EQUAL(row->version, "2021.1");
    cb_synth_report_free(&r);
    row = fresh(&r);
    UNIT_OK(cb_utilization_read(FIXTURE("utilization_ultrascale.rpt"), row));
    CU_ASSERT(row->lut == 4855 && row->ff == 3420 && row->dsp == 80 && row->bram == 0 && row->carry == 666);
    CU_ASSERT_STRING_EQUAL(row->version, "2025.1");
    UNIT_FAILS(cb_utilization_read(FIXTURE("csynth.xml"), row), "no row");
    cb_synth_report_free(&r);
}

static void test_timing(void) {
    cb_synth_report r;
    cb_synth_row *row = fresh(&r);
    json_t *names;
    UNIT_OK(cb_timing_read(FIXTURE("timing_met.rpt"), 6.25, row, &names));
    CU_ASSERT_DOUBLE_EQUAL(row->fmax_mhz, 1000 / 5.625, 1e-9);
    CU_ASSERT_STRING_EQUAL(row->status, "ok");
    CU_ASSERT_STRING_EQUAL(text_of(names, "WHS"), "0.045");
    json_decref(names);
    UNIT_OK(cb_timing_read(FIXTURE("timing_missed.rpt"), 6.25, row, &names));
    CU_ASSERT_DOUBLE_EQUAL(row->fmax_mhz, 1000 / 6.6, 1e-9);
    CU_ASSERT_STRING_EQUAL(row->status, "misses timing: WNS -0.350 ns at 6.250 ns");
    json_decref(names);
    UNIT_FAILS(cb_timing_read(FIXTURE("csynth.xml"), 6.25, row, &names), "no table");
    cb_synth_report_free(&r);
}

typedef int reader(const char *path, cb_synth_row *row);
static int read_xml(const char *path, cb_synth_row *row) {
    json_t *names;
    int rc = cb_csynth_read(path, row, &names);
    json_decref(names);
    return rc;
}
static int read_rpt(const char *path, cb_synth_row *row) {
    json_t *names;
    int rc = cb_csynth_rpt_read(path, row, &names);
    json_decref(names);
    return rc;
}
static int read_cosim(const char *path, cb_synth_row *row) {
    json_t *names;
    int rc = cb_cosim_read(path, row, &names);
    json_decref(names);
    return rc;
}
static int read_timing(const char *path, cb_synth_row *row) {
    json_t *names;
    int rc = cb_timing_read(path, 6.25, row, &names);
    json_decref(names);
    return rc;
}

/* A report cut off anywhere is an error until its last wanted number is there. */
static void cut_off(const char *fixture, reader *read, const char *last) {
    char *whole = cb_file_read(fixture, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
    size_t need = (size_t)(strstr(whole, last) - whole), size = strlen(whole);
    const char *path = unit_scratch("cut.rpt");
    for (size_t n = 0; n < size; n += n + 37 < need || n > need ? 37 : 1) {
        FILE *f = fopen(path, "wb");
        CU_ASSERT_PTR_NOT_NULL_FATAL(f);
        fwrite(whole, 1, n, f);
        fclose(f);
        cb_synth_report r;
        int rc = read(path, fresh(&r));
        if (n < need) CU_ASSERT_NOT_EQUAL(rc, 0);
        cb_synth_report_free(&r);
    }
    unlink(path);
    free(whole);
}

static void test_cut_off(void) {
    cut_off(FIXTURE("csynth.xml"), read_xml, "/LUT>\n        <URAM>0</URAM>\n    </AvailableResources>");
    cut_off(FIXTURE("csynth.rpt"), read_rpt, "  433200|    0|");
    cut_off(FIXTURE("csynth_2019.rpt"), read_rpt, "  1728000|  1280|");
    cut_off(FIXTURE("cosim.rpt"), read_cosim, "              4|              4|              5|");
    cut_off(FIXTURE("utilization_7series.rpt"), cb_utilization_read, "| DSPs      |    2");
    cut_off(FIXTURE("utilization_ultrascale.rpt"), cb_utilization_read, "| DSPs           |   80");
    cut_off(FIXTURE("timing_met.rpt"), read_timing, "                 18542");
}

/* Reports with bytes changed, doubled or lost anywhere: an error or finite counts, and what is
 * taken can be written. */
static void corrupt(const char *fixture, reader *read) {
    enum { TRIALS = 300 };
    size_t size;
    char *whole = cb_file_read(fixture, &size), *bad = malloc(2 * size);
    CU_ASSERT_FATAL(whole && bad);
    char path[512];
    snprintf(path, sizeof path, "%s", unit_scratch("corrupt.rpt"));
    for (int trial = 0; trial < TRIALS; trial++) {
        cb_rng rng = cb_rng_at(7, fixture, (uint64_t)trial);
        size_t n = size;
        memcpy(bad, whole, size);
        for (int k = 0; k < 1 + trial % 20; k++) {
            size_t at = cb_rng_below(&rng, (uint32_t)n), span = cb_rng_below(&rng, 40);
            if (at + span > n) span = n - at;
            if (k % 3 == 1) memmove(bad + at, bad + at + span, n - at - span), n -= span;      /* lost */
            else if (k % 3 == 2 && n + span <= 2 * size) memmove(bad + at + span, bad + at, n - at), n += span; /* doubled */
            else bad[at] = (char)(1 + cb_rng_below(&rng, 255));
            if (!n) break;
        }
        FILE *f = fopen(path, "wb");
        CU_ASSERT_FATAL(f && fwrite(bad, 1, n, f) == n && !fclose(f));
        cb_synth_report r;
        cb_synth_row *row = fresh(&r);
        if (!read(path, row)) {
            CU_ASSERT(!isinf(row->lut) && !(row->lut < 0) && !isinf(row->fmax_mhz) && !(row->fmax_mhz < 0) && !(row->dsp < 0));
            char *version = row->version;
            CU_ASSERT_EQUAL(strspn(version, "0123456789."), strlen(version));
        }
        cb_synth_report_free(&r);
    }
    unlink(path);
    free(whole);
    free(bad);
}

static void test_corrupt(void) {
    corrupt(FIXTURE("csynth.xml"), read_xml);
    corrupt(FIXTURE("csynth.rpt"), read_rpt);
    corrupt(FIXTURE("csynth_2019.rpt"), read_rpt);
    corrupt(FIXTURE("cosim.rpt"), read_cosim);
    corrupt(FIXTURE("cosim_2019.rpt"), read_cosim);
    corrupt(FIXTURE("utilization_7series.rpt"), cb_utilization_read);
    corrupt(FIXTURE("utilization_ultrascale.rpt"), cb_utilization_read);
    corrupt(FIXTURE("timing_met.rpt"), read_timing);
    corrupt(FIXTURE("timing_missed.rpt"), read_timing);
}

/* Counts above the part, failures with unprintable text, the same bytes twice. */
static void test_report(void) {
    cb_synth_report r;
    cb_synth_row *row = fresh(&r);
    row->lut = 500000;
    row->ff = 10;
    row->dsp = 4000;
    cb_synth_row *bad = cb_synth_row_add(&r, "yosys-synth", "yosys", "raw-cells");
    CU_ASSERT_PTR_NOT_NULL_FATAL(bad);
    cb_synth_row_fail(bad, "ERROR:\n\tcan't open \x01\xff /tmp/x/y.v:3 (in ../here/z.v)\n");
    cb_synth_check_capacity(&r);
    CU_ASSERT_STRING_EQUAL(row->status, "does not fit: 500000 LUT of 433200, 4000 DSP of 3600");
    CU_ASSERT_STRING_EQUAL(bad->status, "failed: ERROR: can't open ?? y.v:3 (in z.v)");
    cb_synth_row *small = cb_synth_row_add(&r, "vivado-synth", "vivado", "vendor");
    r.pins = 20;
    cb_synth_check_capacity(&r);
    CU_ASSERT_STRING_EQUAL(small->status, "ok"); /* a part that says nothing of its pins */
    r.part.pins = 20;
    cb_synth_check_capacity(&r);
    CU_ASSERT_STRING_EQUAL(small->status, "ok");
    r.part.pins = 19;
    cb_synth_check_capacity(&r);
    CU_ASSERT_STRING_EQUAL(small->status, "does not fit: 20 pins of 19");
    r.n--;
    const char *first = unit_scratch("a.json"), *second = unit_scratch("b.json");
    const char *const inputs[][2] = {{"csynth", FIXTURE("csynth.xml")}};
    UNIT_OK(cb_synth_report_write(&r, first, "[part]\n", 1, inputs));
    UNIT_OK(cb_synth_report_write(&r, second, "[part]\n", 1, inputs));
    char a[65], b[65];
    UNIT_OK(cb_sha256_file(first, a));
    UNIT_OK(cb_sha256_file(second, b));
    CU_ASSERT_STRING_EQUAL(a, b);
    json_t *j = json_load_file(first, 0, NULL);
    json_t *rows = json_object_get(j, "rows");
    CU_ASSERT_EQUAL(json_array_size(rows), 2);
    CU_ASSERT(json_is_null(json_object_get(json_array_get(rows, 0), "carry")));
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(json_array_get(rows, 0), "lut")), 500000);
    json_decref(j);
    unlink(first);
    unlink(second);
    for (int i = r.n; i < CB_SYNTH_MAX_ROWS; i++) CU_ASSERT_PTR_NOT_NULL(cb_synth_row_add(&r, "a", "b", "c"));
    CU_ASSERT_PTR_NULL(cb_synth_row_add(&r, "a", "b", "c"));
    cb_synth_report_free(&r);
}

UNIT_MAIN("vendor_report", {"csynth", test_csynth}, {"csynth as text", test_csynth_text}, {"co-simulation", test_cosim}, {"utilization", test_utilization}, {"timing", test_timing},
          {"cut off", test_cut_off}, {"corrupt", test_corrupt}, {"report", test_report})
