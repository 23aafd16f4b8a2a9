using System.Diagnostics;
using System.Globalization;
using Dapper;
using Pimm.Core.Exporting;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Testing;

namespace Pimm.Benchmarks;

/// <summary>
/// The two lists of a wave, written by a run, against psql's \copy of the very query's rows to a file. The wave is put into the
/// tables by SQL: ranking is not what is measured here.
/// </summary>
internal static class IngestExport
{
    private const int Rows = 1_000_000;
    private const int Turns = 3;
    private const double LeastShare = 0.7;

    public static async Task<IReadOnlyList<IngestResult>> MeasureAsync()
    {
        await using var cluster = PrivateCluster.Start("fsync=on", "shared_buffers=256MB", "max_wal_size=4GB");
        await using var pimm = await PimmInstance.StartAsync(new Dictionary<string, string?> { ["Approval:Required"] = "false" }, cluster);
        var audience = await pimm.Service<AudienceStore>().CreateAsync("bench", "customer", [new AudienceColumn("age", "number")], ["click", "conversion", "core_conversion"]);
        await using (var owner = await pimm.Database.Owner.OpenConnectionAsync())
        {
            await owner.ExecuteAsync(Wave(audience), commandTimeout: 600);
        }
        var (ours, peer) = (new List<double>(), new List<double>());
        for (var turn = 0; turn < Turns; turn++)
        {
            ours.Add(Rows / await ExportAsync(pimm, turn));
            peer.Add(Rows / await Psql.RunAsync(pimm.Database, PeerScript(audience, pimm.Folder), expected: Rows));
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"export, turn {turn + 1}: ours {ours[^1]:N0} rows/s, psql {peer[^1]:N0} rows/s"));
        }
        var ratio = IngestRatio.Of(ours.Zip(peer, (a, b) => a / b));
        return [new IngestResult("both lists of a wave, plain profile", Rows, @"psql: \copy of the same rows", IngestRatio.MedianOf(ours), IngestRatio.MedianOf(peer), ratio, "rows/s", ratio.Median >= LeastShare, "at least 0.7 of the peer")];
    }

    private static async Task<double> ExportAsync(PimmInstance pimm, int turn)
    {
        var clock = Stopwatch.StartNew();
        var run = await pimm.RunAsync(new JobRequest(ExportWave.JobKind, $"bench {turn}", new { }, 1, new DateOnly(2026, 3, 2)), CancellationToken.None);
        var seconds = clock.Elapsed.TotalSeconds;
        var lists = await pimm.Service<ExportStore>().ListsAsync(1);
        return run.State == JobStates.Succeeded && lists.Sum(list => list.Rows) == Rows ? seconds
            : throw new InvalidOperationException($"The export ended as {run.State}: {run.Error}");
    }

    private static string PeerScript(long audience, string folder) =>
        string.Concat(Enumerable.Range(0, 2).Select(arm =>
            $"""
            \copy (select p.campaign_id, 'aud_0a1b2c3d_{(arm == 0 ? 'a' : 'b')}_20260302' as export_id, '{(arm == 0 ? 'a' : 'b')}' as audience_group, c.customer_key as customer_ref, null as email_sha256, null as phone_sha256, null as country, v.model_line_id || '.' || v.version as model_version, s.finished_at as scored_at, w.impressions_at + interval '1 day' as expires_at from wave_plan p join wave w using (campaign_id, wave_date) join scoring s on s.id = w.scoring_id join model_version v on v.id = s.control_version_id join audience.customers_{audience} c on c.customer = p.customer and c.version = s.audience_version where p.campaign_id = 1 and p.wave_date = '2026-03-02' and p.policy = {arm} and p.arm = {arm} and p.action = 1 order by p.customer) to '{Path.Combine(folder, $"peer{arm}.csv")}' csv header

            """))
        + "select count(*) from wave_plan where policy = arm and action = 1;\n";

    private static string Wave(long audience) =>
        $"""
        insert into audience.customers_{audience}(customer, version, customer_key, age)
        select substr(encode(sha256(convert_to(key, 'UTF8')), 'hex'), 1, 32)::uuid, 1, key, 30 from (select 'C' || lpad(n::text, 9, '0') as key from generate_series(1, {Rows}) n) k;
        insert into import_file(audience_id, kind, file_name, sha256, received, created, updated, skipped, quarantined, imported_at)
        values ({audience}, 'customers', 'bench.csv', sha256('bench'), {Rows}, {Rows}, 0, 0, 0, now());
        insert into audience_version values ({audience}, 1, 1, {Rows}, now());
        insert into model_line(audience_id, name, network, created_at) values ({audience}, 'control', 'random', now()), ({audience}, 'treatment', 'random', now());
        insert into model_version(model_line_id, version, seed, description, training_rows, trained_at) select id, 1, 1, '{"{}"}', 0, now() from model_line;
        insert into campaign(name, audience_id, control_line_id, treatment_line_id, time_zone, starts_on, days, window_days, impressions_per_day, holdback_share, exploration_share, split_method, split_candidates, salt, created_by, created_at)
        values ('bench', {audience}, 1, 2, 'Asia/Shanghai', '2026-03-02', 1, 1, {Rows / 2}, 0, 0, 'plain', 1, 'bench', 'bench', now());
        insert into scoring(campaign_id, audience_version, control_version_id, treatment_version_id, customers, exclusions, finished_at) values (1, 1, 1, 2, {Rows}, '[]', now());
        insert into allocation(campaign_id, scoring_id, method, winner, imbalances, balance, control_customers, treatment_customers, allocated_at) values (1, 1, 'plain', 0, '{"{0}"}', '{"{}"}', {Rows / 2}, {Rows / 2}, now());
        insert into wave(campaign_id, wave_date, scoring_id, impressions, exploration, impressions_at, published_at) values (1, '2026-03-02', 1, {Rows / 2}, 0, now(), now());
        insert into wave_plan(customer, campaign_id, wave_date, policy, arm, action, exploration, rank)
        select customer, 1, '2026-03-02', mod(n, 2), mod(n, 2), 1, false, n / 2 from (select customer, row_number() over (order by customer_key)::integer as n from audience.customers_{audience}) c;
        analyze;
        """;
}
