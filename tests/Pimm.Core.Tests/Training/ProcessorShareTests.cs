using System.ComponentModel;
using System.Diagnostics;
using Pimm.Core.Training;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Training;

public sealed class ProcessorShareTests
{
    [Theory]
    [InlineData(ProcessPriorityClass.Idle, "19", "5")] // SCHED_IDLE
    [InlineData(ProcessPriorityClass.BelowNormal, "10", null)]
    [InlineData(ProcessPriorityClass.Normal, null, null)]
    public void A_process_has_its_priority_before_its_first_thread_can_start_another(ProcessPriorityClass priority, string? nice, string? policy)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux schedules so.");
        using var process = new Process { StartInfo = new("cat") { RedirectStandardInput = true } };

        ProcessorShare.Start(process, priority);

        var its = PriorityOf($"{process.Id}");
        process.StandardInput.Close();
        process.WaitForExit();
        var mine = PriorityOf("self");
        its.ShouldBe((nice ?? mine.Nice, policy ?? mine.Policy));
    }

    private static (string Nice, string Policy) PriorityOf(string process)
    {
        // From the third word on: a name may have spaces.
        var words = File.ReadAllText($"/proc/{process}/stat").Split(") ")[^1].Split(' ');
        return (words[16], words[38]);
    }

    [Fact]
    public void A_program_that_is_not_there_is_said()
    {
        using var process = new Process { StartInfo = new("/nowhere/pimm-jobs") };

        Should.Throw<Win32Exception>(() => ProcessorShare.Start(process, ProcessPriorityClass.Idle)).Message.ShouldContain("/nowhere/pimm-jobs");
    }

    [Fact]
    public void What_this_process_has_waited_is_known_and_grows()
    {
        Assert.SkipUnless(File.Exists("/proc/self/schedstat"), "This system does not tell.");
        var waited = ProcessorShare.Waited()!.Value;
        using var end = new CancellationTokenSource();
        var busy = Enumerable.Range(0, 2 * Environment.ProcessorCount).Select(_ => new Thread(() => { while (!end.IsCancellationRequested) { } })).ToList();
        busy.ForEach(thread => thread.Start());

        SpinWait.SpinUntil(() => ProcessorShare.Waited() > waited + TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(30)).ShouldBeTrue();

        end.Cancel();
        busy.ForEach(thread => thread.Join());
    }
}
