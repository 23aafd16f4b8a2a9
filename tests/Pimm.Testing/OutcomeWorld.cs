using System.Globalization;
using Dapper;
using Npgsql;
using Pimm.Core.Importing;
using Pimm.Core.Statistics;

namespace Pimm.Testing;

/// <summary>
/// An audience that is not simulated, with one campaign of one wave, written straight into the tables: what events need to be
/// believed, and nothing else. Even customers are the control's.
/// </summary>
/// <param name="Customers">keys c0, c1 …</param>
/// <param name="Exported">the first of them, all on the wave's lists</param>
public sealed record OutcomeWorld(long Audience, long Campaign, DateOnly Wave, int Customers, int Exported)
{
    public const int WindowDays = 30;

    public static readonly string[] Funnel = ["click", "register", "invest"];

    private const string Rows =
        """
        insert into import_file(audience_id, kind, file_name, sha256, received, created, updated, skipped, quarantined, imported_at)
        values (@audience, 'customers', 'customers.csv', sha256(@name::text::bytea), @customers, @customers, 0, 0, 0, now());
        insert into audience_version(audience_id, version, import_file_id, customers, created_at)
        select @audience, 1, max(id), @customers, now() from import_file where audience_id = @audience;
        insert into model_line(audience_id, name, network, created_at) values (@audience, @name || ' a', 'random', now()), (@audience, @name || ' b', 'pimm', now());
        insert into model_version(model_line_id, version, seed, description, training_rows, trained_at)
        select id, 1, 1, '{}', 0, now() from model_line where audience_id = @audience;
        insert into campaign(name, audience_id, control_line_id, treatment_line_id, time_zone, starts_on, days, window_days, impressions_per_day,
                             holdback_share, exploration_share, split_method, split_candidates, salt, created_by, created_at)
        select @name, @audience, min(id), max(id), 'UTC', @wave, 1, @window, greatest(@exported / 2, 1), 0, 0, 'plain', 1, @name, 'tests', now() from model_line where audience_id = @audience;
        insert into scoring(campaign_id, audience_version, control_version_id, treatment_version_id, customers, exclusions, finished_at)
        select c.id, 1, a.id, b.id, @customers, '[]', now() from campaign c join model_version a on a.model_line_id = c.control_line_id join model_version b on b.model_line_id = c.treatment_line_id
         where c.name = @name;
        insert into wave(campaign_id, wave_date, scoring_id, impressions, exploration, impressions_at, published_at)
        select c.id, @wave, s.id, @exported / 2, 0, @wave::timestamp at time zone 'UTC', now() from campaign c join scoring s on s.campaign_id = c.id where c.name = @name;
        insert into assignment(customer, campaign_id, arm, flagged)
        select pimm_test_customer(n), c.id, n % 2, false from campaign c, generate_series(0, @customers - 1) n where c.name = @name;
        insert into wave_plan(customer, campaign_id, wave_date, policy, arm, action, exploration)
        select pimm_test_customer(n), c.id, @wave, n % 2, n % 2, 1, false from campaign c, generate_series(0, @exported - 1) n where c.name = @name;
        """;

    // The first 128 bits of SHA-256, as CustomerHash has it.
    private const string CustomerFunction =
        "create or replace function pg_temp.pimm_test_customer(n integer) returns uuid language sql immutable as $$ select encode(substr(sha256(('c' || n)::bytea), 1, 16), 'hex')::uuid $$";

    /// <param name="database">of the application's role</param>
    public static async Task<OutcomeWorld> CreateAsync(NpgsqlDataSource database, string name, int customers, int exported, DateOnly wave)
    {
        var audience = await new AudienceStore(database, TimeProvider.System).CreateAsync(name, "key", [new AudienceColumn("age", "number")], Funnel);
        await using var connection = await database.OpenConnectionAsync();
        await connection.ExecuteAsync(CustomerFunction);
        var rows = Rows.Replace("pimm_test_customer", "pg_temp.pimm_test_customer", StringComparison.Ordinal);
        await connection.ExecuteAsync(rows, new { audience, name, customers, exported, wave, window = WindowDays });
        await connection.ExecuteAsync(
            $"insert into audience.customers_{audience}(customer, version, customer_key, age) select pg_temp.pimm_test_customer(n), 1, 'c' || n, 30 from generate_series(0, @customers - 1) n", new { customers });
        await connection.ExecuteAsync("analyze wave_plan");
        var campaign = await connection.ExecuteScalarAsync<long>("select id from campaign where name = @name", new { name });
        return new OutcomeWorld(audience, campaign, wave, customers, exported);
    }

    public static string KeyOf(int customer) => string.Create(CultureInfo.InvariantCulture, $"c{customer}");

    public static Guid CustomerOf(int customer) => CustomerHash.Of(KeyOf(customer));

    public string Delivered(string id, int customer, string? more = null) => Event(id, "delivered", customer, $"{Impression}{more}");

    public string Label(string id, int customer, int stage, string? more = null) => Event(id, "funnel", customer, $",\"stage\":\"{Funnel[stage - 1]}\"{Impression}{more}");

    public string Outcome(string id, int customer, double? amount, string? more = null) =>
        Event(id, "outcome", customer, $",\"campaign\":{Number(Campaign)}{(amount is { } given ? $",\"amount\":{given.ToString("R", CultureInfo.InvariantCulture)}" : "")}{more}");

    /// <summary>Noon of the wave's day.</summary>
    public string Time => string.Create(CultureInfo.InvariantCulture, $"{Wave:yyyy-MM-dd}T12:00:00Z");

    private string Impression => string.Create(CultureInfo.InvariantCulture, $",\"campaign\":{Campaign},\"wave\":\"{Wave:yyyy-MM-dd}\"");

    private string Event(string id, string kind, int customer, string more)
    {
        var named = id.Length > 0 ? $"\"event_id\":\"{id}\"," : "";
        var when = more.Contains("occurred_at", StringComparison.Ordinal) ? "" : $",\"occurred_at\":\"{Time}\"";
        return $"{{{named}\"kind\":\"{kind}\",\"customer\":\"{CustomerOf(customer):D}\"{when}{more}}}";
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
