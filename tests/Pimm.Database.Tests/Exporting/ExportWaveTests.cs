using System.Security.Cryptography;
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
            lines[0].ShouldBe("customer,campaign,wave");
            lines[1].ShouldMatch($@"^sim-\d{{7}},{world.Campaign.Id},{list.WaveDate:yyyy-MM-dd}$");
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
}
