using System.Data;
using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace Pimm.Core.Database;

/// <summary>How Dapper maps PostgreSQL's types to records: customer_id fills CustomerId, date is DateOnly, timestamptz is DateTimeOffset in UTC.</summary>
public static class DapperTypes
{
    private static readonly Lock Gate = new();
    private static bool registered;

    public static void Register()
    {
        lock (Gate)
        {
            if (registered) return;
            DefaultTypeMap.MatchNamesWithUnderscores = true;
            SqlMapper.RemoveTypeMap(typeof(DateTimeOffset));
            SqlMapper.RemoveTypeMap(typeof(DateTimeOffset?));
            SqlMapper.RemoveTypeMap(typeof(DateOnly));
            SqlMapper.RemoveTypeMap(typeof(DateOnly?));
            SqlMapper.RemoveTypeMap(typeof(TimeSpan));
            SqlMapper.RemoveTypeMap(typeof(TimeSpan?));
            SqlMapper.AddTypeHandler(new Dates());
            SqlMapper.AddTypeHandler(new Instants());
            SqlMapper.AddTypeHandler(new Durations());
            SqlMapper.AddTypeHandler(new Arrays<string>());
            SqlMapper.AddTypeHandler(new Arrays<int>());
            SqlMapper.AddTypeHandler(new Arrays<long>());
            SqlMapper.AddTypeHandler(new Arrays<float>());
            SqlMapper.AddTypeHandler(new Arrays<double>());
            SqlMapper.AddTypeHandler(new Arrays<Guid>());
            SqlMapper.AddTypeHandler(new Arrays<DateTime>());
            registered = true;
        }
    }

    private sealed class Dates : SqlMapper.TypeHandler<DateOnly>
    {
        public override void SetValue(IDbDataParameter parameter, DateOnly value) => Set(parameter, value, NpgsqlDbType.Date);

        public override DateOnly Parse(object value) => value switch
        {
            DateOnly date => date,
            DateTime time => DateOnly.FromDateTime(time),
            _ => throw new DataException($"A column read as DateOnly holds {value.GetType().Name}: select a date.")
        };
    }

    private sealed class Instants : SqlMapper.TypeHandler<DateTimeOffset>
    {
        public override void SetValue(IDbDataParameter parameter, DateTimeOffset value) =>
            Set(parameter, value.ToUniversalTime(), NpgsqlDbType.TimestampTz);

        public override DateTimeOffset Parse(object value) => value switch
        {
            DateTimeOffset instant => instant,
            DateTime { Kind: DateTimeKind.Utc } time => new DateTimeOffset(time),
            _ => throw new DataException($"A column read as DateTimeOffset holds {value.GetType().Name}: select a timestamptz.")
        };
    }

    private sealed class Durations : SqlMapper.TypeHandler<TimeSpan>
    {
        public override void SetValue(IDbDataParameter parameter, TimeSpan value) => Set(parameter, value, NpgsqlDbType.Interval);

        public override TimeSpan Parse(object value) => (TimeSpan)value;
    }

    // The reader announces every array column as System.Array, which fits no constructor without a handler.
    private sealed class Arrays<T> : SqlMapper.TypeHandler<T[]>
    {
        public override void SetValue(IDbDataParameter parameter, T[]? value) => parameter.Value = (object?)value ?? DBNull.Value;

        public override T[] Parse(object value) => (T[])value;
    }

    private static void Set(IDbDataParameter parameter, object value, NpgsqlDbType type)
    {
        parameter.Value = value;
        ((NpgsqlParameter)parameter).NpgsqlDbType = type;
    }
}
