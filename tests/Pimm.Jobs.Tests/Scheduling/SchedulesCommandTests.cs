using System.Text.Json;
using Pimm.Core.Queueing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests.Scheduling;

public sealed class SchedulesCommandTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    [Fact]
    public async Task A_schedule_is_added_looked_at_changed_run_and_removed()
    {
        var added = await RunAsync("add", "tidy", "--kind", "retain", "--cron", "30 2 * * *", "--time-zone", "Europe/Berlin", "--max-hours", "2", "--must-succeed-within", "50");
        (added.GetProperty("version").GetInt32(), added.GetProperty("arguments").GetProperty("maxHours").GetInt32(), added.GetProperty("mustSucceedWithin").GetString()).ShouldBe((1, 2, "2.02:00:00"));

        var next = (await RunAsync("next", "tidy")).GetProperty("next").EnumerateArray().ToList();
        next.Count.ShouldBe(5);
        next[0].GetProperty("local").GetDateTimeOffset().TimeOfDay.ShouldBe(new TimeSpan(2, 30, 0));
        next[0].GetProperty("local").GetDateTimeOffset().ShouldBe(next[0].GetProperty("utc").GetDateTimeOffset());

        (await RunAsync("edit", "tidy", "--cron", "0 4 * * *")).GetProperty("version").GetInt32().ShouldBe(2);
        var weekly = await RunAsync("edit", "tidy", "--cron", "0 4 * * 0", "--time-zone", "UTC", "--max-hours", "0");
        (weekly.GetProperty("mustSucceedWithin").GetString(), weekly.GetProperty("arguments").TryGetProperty("maxHours", out _)).ShouldBe(("7.02:00:00", false));
        (await RunAsync("pause", "tidy")).GetProperty("enabled").GetBoolean().ShouldBeFalse();
        (await RunAsync("resume", "tidy")).GetProperty("enabled").GetBoolean().ShouldBeTrue();
        var run = (await RunAsync("run-now", "tidy")).GetProperty("runs")[0].GetInt64();
        (await PimmProcess.RunAsync(database, "runs", "show", $"{run}")).Output.ShouldContain("retain");
        (await RunAsync("show", "tidy")).GetProperty("firings").GetArrayLength().ShouldBe(1);
        (await RunAsync("list")).GetProperty("schedules").GetArrayLength().ShouldBe(4);
        // Those that every installation has miss their time here, where no worker runs.
        (await RunAsync("missed")).GetProperty("missed").EnumerateArray().ShouldAllBe(occasion => !occasion.GetRawText().Contains("tidy", StringComparison.Ordinal));
        await RunAsync("remove", "tidy");
        (await RunAsync("list")).GetProperty("schedules").GetArrayLength().ShouldBe(3);
    }

    [Theory]
    [InlineData("There is no schedule \"nightly\": see pimm schedules list.", "show", "nightly")]
    [InlineData("A retrain schedule trains one model line: give --line.", "add", "x", "--kind", "retrain", "--cron", "30 2 * * *")]
    [InlineData("There is no campaign 77: `pimm campaigns list` shows those there are.", "add", "x", "--kind", "campaign", "--campaign", "77", "--cron", "30 2 * * *", "--time-zone", "UTC")]
    [InlineData("A schedule needs a time: give --cron, for example --cron \"30 2 * * *\" for 02:30 every day.", "add", "x", "--kind", "retain")]
    [InlineData("The schedule \"retention\" has not missed 2020-01-01: see pimm schedules missed.", "back-fill", "retention", "--date", "2020-01-01")]
    public async Task What_makes_no_sense_is_one_sentence(string sentence, params string[] arguments)
    {
        var (code, _, error) = await PimmProcess.RunAsync(database, ["schedules", .. arguments]);

        (code, error.TrimEnd()).ShouldBe((2, sentence));
    }

    [Theory]
    [InlineData("There is no run 999: see pimm runs list.", "show", "999")]
    [InlineData("There is no run 999: see pimm runs list.", "cancel", "999")]
    [InlineData("There is no run 999: see pimm runs list.", "retry", "999")]
    [InlineData("\"last\" is no run's number: see pimm runs list.", "show", "last")]
    public async Task A_run_that_does_not_exist_is_one_sentence(string sentence, params string[] arguments)
    {
        var (code, _, error) = await PimmProcess.RunAsync(database, ["runs", .. arguments]);

        (code, error.TrimEnd()).ShouldBe((2, sentence));
    }

    [Theory]
    [InlineData("--state is \"done\": choose queued, running, succeeded, failed, cancelled.", "runs", "list", "--state", "done")]
    [InlineData("--kinds names no kind of run: leave it out, or write it as --kinds train,score.", "work", "--kinds", ",")]
    [InlineData("--not-kinds names no kind of run: leave it out, or write it as --not-kinds train,score.", "work", "--not-kinds", "")]
    public async Task An_option_that_says_nothing_is_refused(string sentence, params string[] arguments)
    {
        var (code, _, error) = await PimmProcess.RunAsync(database, arguments);

        (code, error.TrimEnd()).ShouldBe((2, sentence));
    }

    [Fact]
    public async Task A_run_that_nobody_would_ever_take_is_not_waited_for()
    {
        var (code, _, error) = await PimmProcess.RunAsync(database, new Dictionary<string, string> { ["Queueing__Requires__allocate"] = "gpu" }, "allocate", "--campaign", "1");

        (code, error.TrimEnd()).ShouldBe((2, "A run of the kind allocate requires gpu (Queueing:Requires), which no worker offers: start one that does, with pimm work --offers gpu."));
    }

    [Fact]
    public async Task A_finished_run_is_listed_by_its_state_and_is_not_cancelled_again()
    {
        var id = await new JobQueue(database.DataSource).EnqueueAsync(new JobRequest("wait", "finished", new { }));
        (await PimmProcess.RunAsync(database, "runs", "cancel", $"{id}")).Output.ShouldNotContain("had finished already");

        (await PimmProcess.RunAsync(database, "runs", "cancel", $"{id}")).Output.ShouldContain("had finished already");
        (await PimmProcess.RunAsync(database, "runs", "list", "--state", "cancelled")).Output.ShouldContain($"{id}  wait");
        (await PimmProcess.RunAsync(database, "runs", "list", "--state", "running")).Output.ShouldNotContain($"{id}  wait");
    }

    private async Task<JsonElement> RunAsync(params string[] arguments)
    {
        var (code, output, error) = await PimmProcess.RunAsync(database, ["schedules", .. arguments, "--json"]);
        code.ShouldBe(0, error);
        return JsonDocument.Parse(output).RootElement;
    }
}
