using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pimm.Core.Operating;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Operating;

public sealed class LogLineTests
{
    [Theory]
    [InlineData("ada\r\n00:00:00.000 info: Pimm forged", "ada 00:00:00.000 info: Pimm forged")]
    [InlineData("a\nb\rc\u2028d\u2029e\u0085f", "a b c d e f")]
    [InlineData("\u001b[2Jgone\0\a", " [2Jgone  ")]
    public void Nobody_s_text_begins_a_line_of_its_own(string text, string expected) =>
        Line(text, null, null).ShouldBe($"10:00:00.000 warn: Pimm.Test {expected}\n");

    [Fact]
    public void A_run_s_lines_say_which_try_of_which_run_wrote_them()
    {
        var scopes = new LoggerExternalScopeProvider();
        using var request = scopes.Push("a request");
        using var run = scopes.Push(new Dictionary<string, object> { ["run"] = 12L, ["kind"] = "train", ["attempt"] = 2, ["fence"] = 5L });

        Line("done", null, scopes).ShouldBe("10:00:00.000 warn: Pimm.Test [run 12 kind train attempt 2 fence 5] done\n");
    }

    [Fact]
    public void An_exception_stays_on_its_line()
    {
        var line = Line("failed", new InvalidOperationException("first\nsecond", new IOException("inner")), null);

        line.Count(sign => sign == '\n').ShouldBe(1);
        line.ShouldContain("failed System.InvalidOperationException: first second");
        line.ShouldContain("System.IO.IOException: inner");
    }

    private static string Line(string text, Exception? exception, IExternalScopeProvider? scopes)
    {
        var writer = new StringWriter();
        new LogLineFormatter(new StoppedClock()).Write(new LogEntry<string>(LogLevel.Warning, "Pimm.Test", default, text, exception, (state, _) => state), scopes, writer);
        return writer.ToString();
    }

    private sealed class StoppedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);
    }
}
