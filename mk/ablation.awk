# Joins the tables of the ablation study into one row a variant and seed, in the order of the list. Arguments: the list,
# students.tsv, resources.tsv, performance.tsv.
BEGIN { FS = OFS = "\t" }
FNR == 1 { file++ }
/^#/ { next }
file == 1 { change[$1] = $2; order[++n] = $1; next }
FNR == 1 { delete col; for (i = 1; i <= NF; i++) col[$i] = i; next }
file == 2 { s = $col["student"]; seed[s] = $col["seed"]; ebops[s] = $col["ebops"]; depth[s] = $col["depth"] }
file == 3 && $col["tool"] == "yosys" && $col["rule"] == "packed" {
    s = $col["student"]; lut[s] = $col["lut"]; ff[s] = $col["ff"]; cycles[s] = $col["cycles"] }
file == 3 && $col["rule"] == "carry-chain" { s = $col["student"]; sites[s] = $col["lut"]; mhz[s] = $col["fmax_mhz"]; if (!(s in cycles)) cycles[s] = $col["cycles"] }
file == 4 && $col["process"] == "tt_lep" { lep[$col["student"]] = $col["auc"] }
file == 4 && $col["process"] == "zb" { s = $col["student"]; emd[s] = $col["emd"]; mae[s] = $col["mae"] }
file == 4 && $col["process"] == "tt_had" {
    s = $col["student"]; auc[s] = $col["auc"]; eff[s] = $col["eff_10khz"]; had[s] = $col["emd"]; hmae[s] = $col["mae"] }
END {
    print "variant", "change", "seed", "ebops", "lut_yosys_packed", "ff", "cycles", "depth", "auc_tt_had", "eff_10khz_tt_had",
          "emd_zb", "mae_zb", "emd_tt_had", "mae_tt_had", "auc_tt_lep", "lut_estimate", "fmax_mhz_estimate"
    for (i = 1; i <= n; i++)
        for (k = 1; k <= 99; k++) {
            s = order[i] "@" k
            if (s in seed)
                printf "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.6f\t%.4f\t%.4f\t%.4f\t%.3f\t%.3f\t%.6f\t%s\t%s\n", order[i], change[order[i]],
                       seed[s], ebops[s], lut[s], ff[s], cycles[s], depth[s], auc[s], eff[s], emd[s], mae[s], had[s], hmae[s], lep[s], sites[s], mhz[s]
        }
}
