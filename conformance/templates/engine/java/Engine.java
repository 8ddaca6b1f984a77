// Build: javac Engine.java; run: java Engine (or, without building, java Engine.java)

import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

public class Engine {
    static final String NAME = "@NAME@";
    static final String MACHINES = "@MACHINE@";
    static final String PHASES = "run"; // TODO: decode,verify,run if it rejects bad programs itself
    static final String OBSERVES = "pc,depth,stack,cells,output"; // TODO: what your VM can show; leave out the rest below
    static final String TRACES = "hash,window";

    /** Runs a program and says how it ended. */
    static Outcome execute(Run run) {
        // TODO: your VM here. Start from run.program and the cells of run.input; keep pc, stack, output and so on up to date.
        //
        //     while (run.step()) {
        //         switch (run.program[run.pc]) {
        //             case 0x00: return run.halt();
        //             ...
        //             return run.trap("div_by_zero");
        //         }
        //     }
        //     return run.fuel();
        return Run.unsupported("not yet");
    }

    /** The part of the answer that says how a run ended, and whether the state follows. */
    record Outcome(String json, boolean ran) {}

    /** Cells of one name, in the order of the manual's table of storage. */
    record Bank(String name, long[] cells) {}

    /** A program under way, and what can be seen of the machine. */
    static class Run {
        final byte[] program;
        final String input; // as in "local:0=5,local:25=-1"
        int pc, depth;
        final List<Long> stack = new ArrayList<>(), output = new ArrayList<>();
        final List<Bank> banks = new ArrayList<>();

        private final String id, trace;
        private final long fuel, every, from;
        private long steps;
        private final CRC32 crc = new CRC32();
        private final List<String> checkpoints = new ArrayList<>();

        Run(Map<String, String> request) {
            id = number(request, "id") + "";
            program = bytes(text(request, "program"));
            text(request, "machine");
            input = text(request, "input");
            trace = text(request, "trace");
            if (!List.of("none", "hash", "window").contains(trace)) throw new IllegalArgumentException("unknown trace");
            fuel = number(request, "fuel");
            every = number(request, "every");
            from = number(request, "from");
        }

        Outcome halt() { return new Outcome("\"halt\"", true); }

        Outcome fuel() { return new Outcome("\"fuel\"", true); }

        Outcome trap(String name) { return new Outcome("\"trap\",\"trap\":\"%s\",\"at\":%d".formatted(name, pc), true); }

        static Outcome reject(String phase, String reason, int at) {
            return new Outcome("\"reject\",\"phase\":\"%s\",\"reason\":\"%s\",\"at\":%d".formatted(phase, reason, at), false);
        }

        static Outcome unsupported(String message) {
            return new Outcome("\"unsupported\",\"message\":\"%s\"".formatted(message), false);
        }

        /** To be called before every step. Does what the trace asks for; false when the fuel is used. */
        boolean step() {
            if (steps == fuel) return false;
            if (trace.equals("hash")) {
                if (every != 0 && steps % every == 0 && steps > from) {
                    feedState();
                    checkpoints.add(hash());
                }
                StringBuilder row = new StringBuilder().append(pc).append(' ').append(depth).append(' ').append(stack.size());
                for (int i = stack.size() - 1; i >= 0 && i >= stack.size() - 4; i--) row.append(' ').append(stack.get(i));
                feed(row.toString());
            } else if (trace.equals("window") && steps >= from) {
                channel.print(("{\"type\":\"row\",\"id\":%s,\"step\":%d,\"pc\":%d,\"depth\":%d,\"printed\":\"%s\","
                        + "\"stack\":\"%s\",\"cells\":\"%s\"}\n").formatted(id, steps, pc, depth, printed(), list(stack), cells()));
            }
            steps++;
            return true;
        }

        void finish(Outcome outcome) {
            channel.print("{\"type\":\"done\",\"id\":" + id + ",\"outcome\":" + outcome.json());
            if (outcome.ran()) {
                channel.print(",\"steps\":%d,\"pc\":%d,\"depth\":%d,\"stack\":\"%s\",\"cells\":\"%s\",\"output\":\"%s\""
                        .formatted(steps, pc, depth, list(stack), cells(), list(output)));
                if (trace.equals("hash")) {
                    feedState();
                    channel.print(",\"hash\":\"%s\",\"checkpoints\":\"%s\"".formatted(hash(), String.join(",", checkpoints)));
                }
            }
            channel.print("}\n");
        }

        private void feed(String line) { crc.update((line + "\n").getBytes(StandardCharsets.US_ASCII)); }

        private void feedState() {
            feed("S %d %d %s %s %s".formatted(pc, depth, printed(), list(stack), cells()));
        }

        private String hash() { return "%08x".formatted(crc.getValue()); }

        private String printed() { return output.size() + ":" + (output.isEmpty() ? "" : output.get(output.size() - 1)); }

        private String cells() {
            List<String> cells = new ArrayList<>();
            for (Bank bank : banks) {
                for (int i = 0; i < bank.cells().length; i++) {
                    if (bank.cells()[i] != 0) cells.add(bank.name() + ":" + i + "=" + bank.cells()[i]);
                }
            }
            return String.join(",", cells);
        }

        private static String list(List<Long> values) {
            return String.join(",", values.stream().map(String::valueOf).toList());
        }
    }

    /** Where answers go. What the VM prints must not get between them, so that System.out leads to the log. */
    static PrintStream channel;

    static final Pattern PAIR = Pattern.compile("\"([^\"]*)\"\\s*:\\s*(?:\"([^\"]*)\"|([^\\s,}\"]+))");

    static Map<String, String> parse(String line) {
        Map<String, String> request = new HashMap<>();
        for (Matcher m = PAIR.matcher(line); m.find();) request.put(m.group(1), m.group(2) != null ? m.group(2) : m.group(3));
        return request;
    }

    static String text(Map<String, String> request, String key) {
        String value = request.get(key);
        if (value == null) throw new IllegalArgumentException("run without " + key);
        return value;
    }

    static long number(Map<String, String> request, String key) {
        try {
            return Long.parseLong(text(request, key));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("run without a number " + key);
        }
    }

    static byte[] bytes(String hex) {
        try {
            return java.util.HexFormat.of().parseHex(hex);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("program is not hexadecimal");
        }
    }

    static void hello(Map<String, String> request) {
        String requires = request.getOrDefault("requires", "");
        if (!"1".equals(request.get("protocol"))) throw new IllegalArgumentException("this engine speaks protocol 1 only");
        if (!requires.isEmpty()) throw new IllegalArgumentException("unknown capability: " + requires);
        channel.print(("{\"type\":\"hello\",\"protocol\":1,\"name\":\"%s\",\"version\":\"0.1.0\",\"machines\":\"%s\",\"phases\":\"%s\","
                + "\"observes\":\"%s\",\"traces\":\"%s\"}\n").formatted(NAME, MACHINES, PHASES, OBSERVES, TRACES));
    }

    static void answer(Map<String, String> request) {
        switch (request.getOrDefault("type", "")) {
            case "hello" -> hello(request);
            case "run" -> {
                Run run = new Run(request);
                run.finish(execute(run));
            }
            default -> throw new IllegalArgumentException("unknown request");
        }
    }

    public static void main(String[] args) throws IOException {
        channel = new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false, StandardCharsets.US_ASCII);
        System.setOut(System.err);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line; (line = in.readLine()) != null;) {
            Map<String, String> request = parse(line);
            if ("bye".equals(request.get("type"))) break;
            try {
                answer(request);
            } catch (IllegalArgumentException e) {
                String id = request.getOrDefault("id", "").matches("\\d+") ? ",\"id\":" + request.get("id") : "";
                channel.print("{\"type\":\"error\"" + id + ",\"message\":\"" + e.getMessage().replace('\\', '?') + "\"}\n");
            }
            channel.flush();
        }
    }
}
