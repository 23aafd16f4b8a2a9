using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Pimm.Core.Access;
using Pimm.Core.Importing;
using Pimm.Testing;
using Pimm.Web.Tests;

namespace Pimm.Benchmarks;

/// <summary>
/// A file of five gigabytes sent to the web app over HTTP: how much its memory rises, and how fast it goes beside a shell that writes
/// the same bytes to a file and hashes them.
/// </summary>
internal sealed class IngestUpload : HttpContent
{
    private const long Bytes = 5_000_000_000;
    private const double MostMegabytes = 100;

    private static readonly byte[] Lines = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 16_384).Select(row =>
        string.Create(CultureInfo.InvariantCulture, $"C{row:D9},{20 + row % 60},{row * 7 % 9000},android,feed\n"))));

    public static async Task<IReadOnlyList<IngestResult>> MeasureAsync()
    {
        await using var cluster = PrivateCluster.Start("fsync=on");
        await using var database = await TestDatabase.MigratedAsync(cluster);
        var folder = Directory.CreateTempSubdirectory("pimm-upload-");
        try
        {
            await new AudienceStore(database.DataSource, TimeProvider.System).CreateAsync("bench", "customer", [new AudienceColumn("age", "number")], ["click"]);
            var key = await new KeyAdministration(database.DataSource, new ApiKeyStore(database.DataSource), TimeProvider.System).CreateAsync("bench", [ApiScopes.ImportsWrite], 1, "cli:bench");
            await using var app = await PimmApp.StartAsync(database, new Dictionary<string, string> { ["Importing__Uploads"] = Path.Combine(folder.FullName, "uploads") });
            using var client = new HttpClient { Timeout = TimeSpan.FromMinutes(30) };
            client.DefaultRequestHeaders.Authorization = new("Bearer", key.Text);
            // Once small, so that what any first request takes is not counted.
            await SendAsync(client, app, 100_000);
            var before = app.ResidentBytes();
            var (seconds, peak) = await WhileWatchedAsync(app, () => SendAsync(client, app, Bytes));
            var peer = Shell(folder.FullName);
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"upload: {Bytes / seconds / 1e6:N0} MB/s, shell {Bytes / peer / 1e6:N0} MB/s; resident {before / 1e6:N0} MB before, {peak / 1e6:N0} MB at most"));
            var ratio = peer / seconds;
            return
            [
                new IngestResult("memory over an upload of 5 GB", 0, "resident, peak above idle", (peak - before) / 1e6, null, null, "MB", (peak - before) / 1e6 <= MostMegabytes, "at most 100 MB"),
                new IngestResult("upload of 5 GB", 0, "shell: tee to a file and sha256sum", Bytes / seconds / 1e6, Bytes / peer / 1e6, new IngestRatio(ratio, ratio, ratio), "MB/s", true, "no bound"),
            ];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private readonly long length;

    private IngestUpload(long length)
    {
        this.length = length;
        Headers.ContentType = new("text/csv");
    }

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        await stream.WriteAsync("customer,age,income,device,channel\n"u8.ToArray());
        for (var sent = 0L; sent < length; sent += Lines.Length)
        {
            await stream.WriteAsync(Lines);
        }
    }

    // Nobody knows how long it will be: chunked, as a program sends what it makes.
    protected override bool TryComputeLength(out long computed)
    {
        computed = 0;
        return false;
    }

    private static async Task SendAsync(HttpClient client, PimmApp app, long length)
    {
        using var answer = await client.PostAsync(new Uri(app.Address, "/api/v1/imports?kind=customers&audience=bench"), new IngestUpload(length));
        if (answer.StatusCode != HttpStatusCode.Accepted)
        {
            throw new InvalidOperationException($"The upload was answered with {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
        }
    }

    private static async Task<(double Seconds, long Peak)> WhileWatchedAsync(PimmApp app, Func<Task> work)
    {
        var (clock, peak, running) = (Stopwatch.StartNew(), 0L, work());
        while (!running.IsCompleted)
        {
            peak = Math.Max(peak, app.ResidentBytes());
            await Task.WhenAny(running, Task.Delay(100));
        }
        await running;
        return (clock.Elapsed.TotalSeconds, peak);
    }

    private static double Shell(string folder)
    {
        var clock = Stopwatch.StartNew();
        using var shell = Process.Start(new ProcessStartInfo("sh", ["-c", $"head -c {Bytes} /dev/zero | tee {folder}/peer | sha256sum > {folder}/sum"]))!;
        shell.WaitForExit();
        return clock.Elapsed.TotalSeconds;
    }
}
