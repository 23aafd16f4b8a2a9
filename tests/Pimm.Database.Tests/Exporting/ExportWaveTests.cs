using System.Security.Cryptography;
using Dapper;
using Pimm.Core.Exporting;
using Pimm.Core.Queueing;
using Pimm.Database.Tests.KnownLift;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Exporting;

public sealed class ExportWaveTests(SmallCampaign world) : IClassFixture<SmallCampaign>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string PathOf(ExportedList list) => Path.Combine(world.Pimm.Folder, "exports", list.FileName);

    [Fact]
    public async Task Two_lists_a_wave_hold_as_many_customers_as_the_wave_exports()
    {
        var lists = await world.Pimm.Service<ExportStore>().ListsAsync(world.Campaign.Id, Cancel);

        lists.Count.ShouldBe(2 * world.Campaign.Days);
        foreach (var list in lists)
        {
            var lines = await File.ReadAllLinesAsync(PathOf(list), Cancel);
            lines[0].ShouldBe("campaign_id,export_id,audience_group,customer_ref,email_sha256,phone_sha256,country,model_version,scored_at,expires_at");
            list.FileName.ShouldMatch($@"^aud_[0-9a-f]{{8}}_{(list.Arm == 0 ? 'a' : 'b')}_{list.WaveDate:yyyyMMdd}\.csv$");
            lines[1].ShouldMatch($@"^{world.Campaign.Id},{list.FileName[4..^4]},{(list.Arm == 0 ? 'a' : 'b')},sim-\d{{7}},,,,\d+\.1,\d{{4}}-\d\d-\d\dT[0-9:]{{8}}Z,{list.WaveDate.AddDays(29):yyyy-MM-dd}T16:00:00Z$");
            lines.Length.ShouldBe(1 + world.Campaign.ImpressionsPerDay);
            SHA256.HashData(await File.ReadAllBytesAsync(PathOf(list), Cancel)).ShouldBe(list.Sha256);
        }
    }

    [Fact]
    public async Task A_list_written_again_has_the_same_bytes()
    {
        var list = (await world.Pimm.Service<ExportStore>().ListsAsync(world.Campaign.Id, Cancel))[0];
        var before = await File.ReadAllBytesAsync(PathOf(list), Cancel);
        File.Delete(PathOf(list));

        var run = await world.Pimm.RunAsync(new JobRequest(ExportWave.JobKind, "again", new { }, world.Campaign.Id, list.WaveDate), Cancel);

        run.State.ShouldBe(JobStates.Succeeded);
        (await File.ReadAllBytesAsync(PathOf(list), Cancel)).ShouldBe(before);
        Directory.EnumerateFiles(Path.GetDirectoryName(PathOf(list))!, "*.tmp").ShouldBeEmpty();
    }

    [Fact]
    public async Task What_is_left_of_attempts_that_died_goes_with_the_one_that_succeeds_and_another_run_s_stays()
    {
        var list = (await world.Pimm.Service<ExportStore>().ListsAsync(world.Campaign.Id, Cancel))[2];
        var first = await ExportAsync("leftovers", list);
        var next = first.Id + 1;
        string[] kept = [$"{PathOf(list)}.{first.Id}-1.tmp", $"{PathOf(list)}.{next}-2.tmp", $"{PathOf(list)}.{next}-x.tmp", $"{PathOf(list)}.tmp.keep"];
        string[] all = [$"{PathOf(list)}.{next}-0.tmp", .. kept];
        foreach (var file in all)
        {
            await File.WriteAllTextAsync(file, "half", Cancel);
        }

        var run = await ExportAsync("leftovers again", list);

        (run.State, run.Id).ShouldBe((JobStates.Succeeded, next));
        all.Where(File.Exists).ShouldBe(kept);
        Array.ForEach(all, File.Delete);
    }

    [Fact]
    public async Task A_list_that_would_differ_from_the_one_that_was_handed_out_is_refused_and_the_file_kept()
    {
        var list = (await world.Pimm.Service<ExportStore>().ListsAsync(world.Campaign.Id, Cancel))[^1];
        var before = await File.ReadAllBytesAsync(PathOf(list), Cancel);
        await using var owner = await world.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        await owner.ExecuteAsync($"update {world.Audience.CustomersTable} set customer_key = 'x' || customer_key");
        try
        {
            var run = await ExportAsync("altered", list);

            run.State.ShouldBe(JobStates.Failed);
            run.Error!.ShouldStartWith($"The list {list.FileName.Replace("_b_", "_a_")} was exported with the hash ");
            (await File.ReadAllBytesAsync(PathOf(list), Cancel)).ShouldBe(before);
            Directory.EnumerateFiles(Path.GetDirectoryName(PathOf(list))!, "*.tmp").ShouldBeEmpty();
        }
        finally
        {
            await owner.ExecuteAsync($"update {world.Audience.CustomersTable} set customer_key = substr(customer_key, 2)");
        }
    }

    private Task<JobRun> ExportAsync(string key, ExportedList list) =>
        world.Pimm.RunAsync(new JobRequest(ExportWave.JobKind, key, new { }, world.Campaign.Id, list.WaveDate), Cancel);
}
