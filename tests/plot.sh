#!/usr/bin/env bash
# hillock plot: curves of one run and of two, figures of a network's layers, the example program; what is in the files, and every refusal with its exit code.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ -e "$build_dir/lib/libhillock_plot.so" ] || skip "figures were left out of this build: cairo was not found"
need_data
cd "$work" || exit 1
cat >net.ini <<'END'
[data]
name = FashionMNIST()
limit = 256
test_limit = 64
[model]
type = sequential
T = 5
[layers]
0 = Conv2d(1, 3, 3, padding=1)
1 = IF(surrogate=ATan())
2 = Flatten()
3 = Linear(2352, 10)
4 = LIF(tau=2.0, v_threshold=0.05, surrogate=ATan())
[train]
batch = 64
epochs = 2
lr = 0.1
optimizer = SGD()
END
"$hillock" train net.ini --out first --quiet
"$hillock" train net.ini --out second --quiet --set train.lr=0.01

has() { # FILE TEXT...
    local file=$1
    shift
    for text in "$@"; do
        check
        grep -qF -- "$text" "$file" || fail "$file has no '$text'"
    done
}
count_strokes() { awk '/fill:rgb\(0%,44.7/ { n += gsub(/Z/, "") } END { print n + 0 }' "$1"; } # closed rectangles in the first colour
png_size() { od -An -tu1 -j16 -N8 "$1" | awk '{ print $1 * 16777216 + $2 * 65536 + $3 * 256 + $4, $5 * 16777216 + $6 * 65536 + $7 * 256 + $8 }'; }
same() { # WHAT WANT GOT
    check
    [ "$2" = "$3" ] || fail "$1: expected $2, got $3"
}
refused() { # CODE TEXT ARGUMENTS...
    local want=$1 text=$2 code=0
    shift 2
    "$hillock" plot "$@" >out 2>err || code=$?
    same "exit code of plot $*" "$want" "$code"
    has err "$text"
}

# Curves.
"$hillock" plot first >out
same "files" "first/figures/curves.png first/figures/curves.svg first/figures/curves.pdf" "$(tr '\n' ' ' <out | sed 's/ $//')"
has first/figures/curves.svg ">first</text>" ">epoch</text>" ">loss</text>" ">accuracy (%)</text>" ">train</text>" ">test</text>"
same "start of the PDF" "%PDF-" "$(head -c 5 first/figures/curves.pdf)"
same "pixels of the PNG" "1200 498" "$(png_size first/figures/curves.png)"
"$hillock" plot curves first second --out both.svg >out
has both.svg ">first</text>" ">second</text>" ">train</text>" ">test</text>"
"$hillock" plot first --metric img_per_s --out speed.png --dpi 72 >out
same "pixels at 72 dpi" "420 249" "$(png_size speed.png)"

# Lines that are not whole.
cp -r first torn
printf '{"epoch": 3, "train_l' >>torn/metrics.jsonl
"$hillock" plot torn --format svg >out 2>err
has err "torn/metrics.jsonl:3: the last line is cut off"
printf 'oss"\n' >>torn/metrics.jsonl
refused 3 "torn/metrics.jsonl:3: expected a JSON object" torn
: >torn/metrics.jsonl
refused 3 "no epoch and no step is done yet" torn
rm torn/metrics.jsonl
refused 3 "torn/metrics.jsonl: No such file" torn
refused 2 "there is no 'nothing'" first --metric nothing
refused 2 "did you mean 'raster'?" rastr
refused 2 "expected --out" first second
refused 2 "got 'bmp'" first --format bmp
refused 1 "can't be made" first --out net.ini/figures

# The encoder's view: one picture for each step, and no more.
"$hillock" plot encoder first --out enc --samples 3 >out
same "figures of the encoder" "input.png s_0.png s_1.png s_2.png s_3.png s_4.png" "$(find enc -type f -printf '%f\n' | sort | tr '\n' ' ' | sed 's/ $//')"
"$hillock" plot encoder first --out enc --format svg --samples 3 >out
has enc/s_2.svg ">1: S[2]</text>" ">Ankle boot</text>" ">Pullover</text>" ">Trouser</text>"
same "maps of three samples with three channels" 9 "$(grep -o '<image ' enc/s_2.svg | wc -l)"
refused 2 "expected a layer of maps" encoder first --layer 4

# A raster has as many strokes as the count has spikes.
"$hillock" plot raster first --format svg --out figures >out
"$hillock" plot spike-count first --format svg,gif --out figures >out
strokes=$(count_strokes figures/raster_4.svg)
check
[ "$strokes" -gt 4 ] || fail "expected some spikes of the output layer, got $strokes"
same "sum of the spike counts" "$strokes" "$(sed -n 's/.*text-anchor="start" fill="#404040">\([0-9]*\)<.*/\1/p' figures/spike_count_4.svg | awk '{ n += $1 } END { print n + 0 }')"
"$hillock" plot spikes first --format svg --out figures >out
same "strokes with and without rates" "$strokes" "$(count_strokes figures/spikes_4.svg)"
same "start of the GIF" "GIF89a" "$(head -c 6 figures/spike_count_4.gif)"
has figures/spike_count_4.svg ">T-shirt/top</text>" ">step 5 of 5</text>" ">4: spike count, test sample 0 (Ankle boot)</text>"

# Potentials: the state of the neuron, its threshold, its reset.
"$hillock" plot membrane first --neurons 2-4 --format svg --out figures >out
has figures/membrane_4.svg ">threshold</text>" ">reset</text>" ">neuron 2</text>" ">neuron 4</text>" ">v</text>"
"$hillock" plot heatmap first --format svg --out figures >out
has figures/heatmap_4.svg ">4: v, test sample 0 (Ankle boot)</text>"
"$hillock" plot bars3d net.ini --checkpoint first/checkpoint_latest.safetensors --variable v --sample 2 --out bars.svg >out
has bars.svg ">4: v, test sample 2 (Trouser)</text>"
"$hillock" plot raster net.ini --checkpoint none --out untrained.png >out
same "a figure of a network that has not learned" "untrained.png" "$(cat out)"
refused 1 "has no membrane potential" membrane first --layer 3
refused 2 "there is no layer '44'" raster first --layer 44
refused 2 "there are: y v" heatmap first --variable q
refused 2 "from 0 to 9" raster first --neurons 5-10
refused 2 "samples 0 to 9999" raster first --sample 10000
refused 2 "expected --checkpoint FILE" raster net.ini
refused 5 "cannot open" raster first --checkpoint none.safetensors
refused 2 "with a config.ini in it" raster enc

# Without the library of figures.
mkdir no
cp -L "$build_dir"/lib/libhillock.so.0 no/
code=0
LD_LIBRARY_PATH=$work/no "$hillock" plot first >out 2>err || code=$?
same "exit code without cairo" 1 "$code"
has err "install libcairo2-dev"

# The program.
mkdir drawn
"$build_dir/bin/spike_figures" drawn >out
spikes=$(sed 's/ .*//' out)
same "strokes in the program's raster" "$spikes" "$(count_strokes drawn/spikes.svg)"
for file in bars3d.png potentials.png membrane.pdf; do
    check
    [ -s "drawn/$file" ] || fail "spike_figures wrote no $file"
done
finish
